import { Refusal } from '../refusal.ts';

/** Most bytes of one stored value, as JSON in UTF-8: 256 KiB. */
export const MAX_VALUE_BYTES: number = 256 * 1024;
/** Most bytes of one segment's condition: 64 KiB. */
export const MAX_CONDITION_BYTES: number = 64 * 1024;
/** Most bytes of one schema document: 1 MiB. */
export const MAX_SCHEMA_BYTES: number = 1024 * 1024;
/** Most bytes of an evaluation context: 8 KiB. */
export const MAX_CONTEXT_BYTES: number = 8 * 1024;
/** Most levels of nested objects and arrays. */
const MAX_DEPTH = 64;
/** Most keys of one schema. */
export const MAX_KEYS = 2_000;
/** Most values of one bulk write. */
export const MAX_BULK_VALUES = 1_000;
/** Most environments and most schemas of an organization, and most segments of an environment. */
export const MAX_ROWS = 1_000;

/**
 * Refuses JSON that is too large or too deep, or contains a number beyond JSON's range. Call it before any recursive
 * walk of the value, which could overflow the stack.
 * @throws {Refusal} `invalid` or `too-large`, naming `field`
 */
export function checkJsonLimits(value: unknown, field: string, maxBytes: number): void {
  const issue = findJsonIssue(value);
  if (issue !== undefined) throw new Refusal('invalid', `Field "${field}" ${issue}.`);
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes > maxBytes) {
    throw new Refusal(
      'too-large',
      `Field "${field}" has ${bytes} bytes as JSON; at most ${maxBytes} are allowed.`,
    );
  }
}

/** Walks level by level: recursion could overflow the stack that this check protects. */
function findJsonIssue(root: unknown): string | undefined {
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} levels`;
    const next: unknown[] = [];
    for (const item of level) {
      // JSON.parse reads 1e999 as Infinity, which JSON cannot express.
      if (typeof item === 'number' && !Number.isFinite(item)) return 'contains a number that is too large';
      if (typeof item !== 'object' || item === null) continue;
      for (const child of Object.values(item)) next.push(child);
    }
    level = next;
  }
  return undefined;
}
