import { OptionsError } from '../errors.ts';

/** Limits of {@link requireNumber}, both inclusive. */
export interface NumberLimits {
  min: number;
  /** Default: none. */
  max?: number;
  /** Whether fractions are refused; default false. */
  integer?: boolean;
}

/** @throws {OptionsError} unless `value` is a number within the limits. */
export function requireNumber(option: string, value: unknown, limits: NumberLimits): number {
  const { min, max = Number.MAX_SAFE_INTEGER, integer = false } = limits;
  const isValid = typeof value === 'number' && value >= min && value <= max;
  if (isValid && (!integer || Number.isInteger(value))) return value;
  const range = limits.max === undefined ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new OptionsError(option, `"${option}" must be ${integer ? 'an integer' : 'a number'} ${range}.`);
}

/** @throws {OptionsError} unless `value` is a string with more than white space in it. */
export function requireText(option: string, value: unknown): string {
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw new OptionsError(option, `"${option}" must be a non-empty string.`);
}

/** @throws {OptionsError} unless `value` is undefined or a number above 0. */
export function checkMilliseconds(option: string, value: unknown): void {
  if (value === undefined || (typeof value === 'number' && value > 0)) return;
  throw new OptionsError(option, `"${option}" must be a number of milliseconds above 0.`);
}
