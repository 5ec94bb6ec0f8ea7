import { EvaluateContextError } from '../errors.ts';
import { canonicalJson, isJson } from '../lib/json.ts';
import { isRecord } from '../lib/record.ts';

/**
 * A context as text, the same for the same attributes in any order.
 *
 * @throws {EvaluateContextError} for what JSON would change or lose on its way, such as a Date.
 */
export function contextText(key: string, context: unknown): string {
  if (context === undefined) return '{}';
  if (!isRecord(context)) throw refusal(key, 'it is no object');
  let culprit: string | undefined;
  try {
    if (isJson(context)) return canonicalJson(context);
    culprit = Object.entries(context).find(([, value]) => value !== undefined && !isJson(value))?.[0];
  } catch {
    // A getter or a proxy that throws; its words are not repeated.
  }
  const part = culprit === undefined ? 'it' : `its attribute ${JSON.stringify(culprit.slice(0, 100))}`;
  throw refusal(key, `${part} is no plain JSON`);
}

function refusal(key: string, why: string): EvaluateContextError {
  return new EvaluateContextError(
    key,
    `The context for "${key}" cannot be sent: ${why}. Pass an object of strings, finite numbers, booleans, null, lists and plain objects; a date as its ISO string.`,
  );
}
