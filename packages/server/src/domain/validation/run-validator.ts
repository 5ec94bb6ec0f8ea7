import type { ValidateFunction } from 'ajv/dist/2020.js';

/**
 * Whether a value passes. A validator that returns a promise (`$async`) refuses every value, and its rejection, which
 * contains the value, is never reported.
 */
export function passes(validate: ValidateFunction, value: unknown): boolean {
  const result: unknown = validate(value);
  if (typeof result === 'boolean') return result;
  Promise.resolve(result).catch(() => undefined);
  return false;
}
