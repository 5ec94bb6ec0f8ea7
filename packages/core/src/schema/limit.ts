import { SchemaError } from '../errors.ts';

/** Options of {@link defineLimit}: a default, and the bounds that every returned number is clamped to. */
export interface LimitOptions {
  default: number;
  /** Lowest number returned; none by default. */
  min?: number;
  /** Highest number returned; none by default. */
  max?: number;
  /** Numbers are rounded to the nearest multiple of it; none by default. */
  step?: number;
}

/** A limit made by {@link defineLimit}. */
export type LimitDefinition = Readonly<LimitOptions>;

/**
 * Declares a limit: a number that is rounded to a multiple of `step`, then clamped to `[min, max]`.
 *
 * @throws {SchemaError} if a number is not finite, `min > max`, `step <= 0`, or the default is outside the bounds or
 * not a multiple of `step`.
 * @example
 * const cartItems = defineLimit({ default: 20, min: 1, max: 100 });
 */
export function defineLimit(options: LimitOptions): LimitDefinition {
  for (const name of ['default', 'min', 'max', 'step'] as const) {
    const value = options[name];
    if (value === undefined && name !== 'default') continue;
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      throw new SchemaError(`defineLimit: "${name}" must be a finite number, got ${describe(value)}.`);
    }
  }
  const { default: fallback, min, max, step } = options;
  if (min !== undefined && max !== undefined && min > max) {
    throw new SchemaError(`defineLimit: "min" (${min}) is greater than "max" (${max}).`);
  }
  if (step !== undefined && step <= 0) {
    throw new SchemaError(`defineLimit: "step" must be greater than 0, got ${step}.`);
  }
  if ((min !== undefined && fallback < min) || (max !== undefined && fallback > max)) {
    throw new SchemaError(`defineLimit: "default" (${fallback}) is outside ${bounds(min, max)}.`);
  }
  if (step !== undefined && snap(fallback, step) !== fallback) {
    throw new SchemaError(`defineLimit: "default" (${fallback}) is not a multiple of "step" (${step}).`);
  }
  // JSON has no -0.
  return Object.freeze({
    default: withoutNegativeZero(fallback),
    ...(min !== undefined && { min: withoutNegativeZero(min) }),
    ...(max !== undefined && { max: withoutNegativeZero(max) }),
    ...(step !== undefined && { step }),
  });
}

/**
 * The number that a limit returns for a stored value: rounded to a multiple of `step`, then clamped to `[min, max]`. A
 * non-empty numeric string counts as a number. Anything else that is not a finite number gives the default. Never
 * throws.
 */
export function clampLimit(value: unknown, limit: LimitDefinition): number {
  const number = toNumber(value);
  if (number === undefined) return limit.default;
  const snapped = limit.step === undefined ? number : snap(number, limit.step);
  if (limit.min !== undefined && snapped < limit.min) return limit.min;
  if (limit.max !== undefined && snapped > limit.max) return limit.max;
  return snapped;
}

function toNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? withoutNegativeZero(number) : undefined;
}

/**
 * The nearest multiple of `step`; halves round away from zero. Computed exactly, with the decimal digits that the numbers
 * are written with: 1.15 is 11.5 steps of 0.1, and three steps are 0.3, not 0.30000000000000004.
 */
function snap(value: number, step: number): number {
  if (!(step > 0) || !Number.isFinite(step)) return value;
  const amount = decimal(Math.abs(value));
  const unit = decimal(step);
  const scale = Math.max(amount.scale, unit.scale);
  const digits = amount.digits * 10n ** BigInt(scale - amount.scale);
  const stepDigits = unit.digits * 10n ** BigInt(scale - unit.scale);
  const steps = (2n * digits + stepDigits) / (2n * stepDigits);
  const nearest = Number(`${steps * stepDigits}e-${scale}`);
  const multiple = Number.isFinite(nearest) ? nearest : Number(`${(steps - 1n) * stepDigits}e-${scale}`);
  return value < 0 ? withoutNegativeZero(-multiple) : multiple;
}

/** A non-negative number as `digits` / 10 ** `scale`. */
function decimal(value: number): { digits: bigint; scale: number } {
  const [mantissa = '0', exponent = '0'] = String(value).split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  const digits = BigInt(whole + fraction);
  const scale = fraction.length - Number(exponent);
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

function withoutNegativeZero(value: number): number {
  return value === 0 ? 0 : value;
}

function bounds(min: number | undefined, max: number | undefined): string {
  return `[${min ?? '-∞'}, ${max ?? '∞'}]`;
}

function describe(value: unknown): string {
  return typeof value === 'number' ? String(value) : value === null ? 'null' : typeof value;
}
