import { createRedactor } from '../http/redact.ts';
import { isRecord } from '../lib/record.ts';
import type { JsonValue } from '../wire.ts';

/** Fields of list entries that say where and why. Not `value`, which may be a secret's. */
const LIST_FIELDS = new Set([
  'key',
  'path',
  'message',
  'reason',
  'environment',
  'environmentId',
  'tier',
  'name',
  'id',
  'schema',
  'schemaId',
  'index',
]);
const MAX_ENTRIES = 1000;

/**
 * The safe part of an error response's body, redacted: `message`, `cause`, `error` next to `"success": false` and, with 409, its lists. Everything else is
 * dropped, because it may repeat the request. Returns undefined if the body is not a JSON object.
 */
export function readRefusal(
  status: number,
  body: unknown,
  secrets: readonly string[],
): Readonly<Record<string, JsonValue>> | undefined {
  if (!isRecord(body)) return undefined;
  const kept: Record<string, JsonValue> = {};
  const clean = createRedactor(secrets);
  // Where the published contract puts the message of a failure that it reports with status 200.
  const reported = body.success === false ? readReported(body.error) : undefined;
  if (reported !== undefined) kept.error = clean(reported);
  for (const [name, value] of Object.entries(body)) {
    if ((name === 'message' || name === 'cause') && typeof value === 'string') kept[name] = clean(value);
    if (status === 409 && Array.isArray(value) && /^[a-zA-Z]{1,40}$/.test(name)) {
      kept[name] = value.slice(0, MAX_ENTRIES).flatMap((entry: unknown) => readListEntry(entry, clean));
    }
  }
  return kept;
}

function readReported(error: unknown): string | undefined {
  const text = isRecord(error) ? error.message : error;
  return typeof text === 'string' ? text : undefined;
}

function readListEntry(entry: unknown, clean: (text: string) => string): JsonValue[] {
  if (typeof entry === 'string') return [clean(entry)];
  if (typeof entry !== 'object' || entry === null) return [];
  const kept: Record<string, JsonValue> = {};
  for (const [name, value] of Object.entries(entry)) {
    if (!LIST_FIELDS.has(name)) continue;
    if (typeof value === 'string') kept[name] = clean(value);
    else if (typeof value === 'number') kept[name] = value;
  }
  return [kept];
}
