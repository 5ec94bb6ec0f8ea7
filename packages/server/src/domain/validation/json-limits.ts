import { Refusal } from '../refusal.ts';

/** Most bytes of one stored value, as JSON in UTF-8: 256 KiB. */
export const MAX_VALUE_BYTES: number = 256 * 1024;
/** Most bytes of one segment's condition: 64 KiB. */
export const MAX_CONDITION_BYTES: number = 64 * 1024;
/** Most bytes of one schema document: 1 MiB. */
export const MAX_SCHEMA_BYTES: number = 1024 * 1024;
/** Most bytes of an evaluation context: 8 KiB. */
export const MAX_CONTEXT_BYTES: number = 8 * 1024;
/** Most levels of objects and arrays in anything that a request carries. */
const MAX_DEPTH = 64;
/** Most keys of one schema. */
export const MAX_KEYS = 2_000;
/** Most values of one bulk write. */
export const MAX_BULK_VALUES = 1_000;
/** Most environments, schemas and segments (of one environment) that an organization may have. */
export const MAX_ROWS = 1_000;

/**
 * Refuses JSON that is too large or too deep, or has a number that JSON cannot hold; done before any recursive look at it, so that no stack overflows.
 * @throws {Refusal} 400 naming `field`, 413 where it is too large.
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

/** Walks level by level: recursion would end on the stack that this check is to protect. */
function findJsonIssue(root: unknown): string | undefined {
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} levels`;
    const next: unknown[] = [];
    for (const item of level) {
      // 1e999 is read as Infinity, which JSON cannot write.
      if (typeof item === 'number' && !Number.isFinite(item)) return 'holds a number that is too large';
      if (typeof item !== 'object' || item === null) continue;
      for (const child of Object.values(item)) next.push(child);
    }
    level = next;
  }
  return undefined;
}
