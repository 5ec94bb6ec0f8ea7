import type { ValidateFunction } from 'ajv/dist/2020.js';

/**
 * Whether a value passes. A validator that returns a promise (`$async`) refuses every value, and its rejection, which
 * contains the value, is never reported. So does one that throws a TypeError: ajv compares objects (`const`, `enum`,
 * `uniqueItems`) by calling their `valueOf` and `toString`, even if these are properties from JSON.
 */
export function passes(validate: ValidateFunction, value: unknown): boolean {
  validate.errors = null;
  let result: unknown;
  try {
    result = validate(value);
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
  if (typeof result === 'boolean') return result;
  Promise.resolve(result).catch(() => undefined);
  return false;
}
