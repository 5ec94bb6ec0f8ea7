import { SchemaError } from './errors.ts';

/** What {@link defineLimit} takes: a default and the bounds that every served number is clamped to. */
export interface LimitOptions {
  default: number;
  /** Lowest number served; none by default. */
  min?: number;
  /** Highest number served; none by default. */
  max?: number;
  /** Numbers are snapped to the nearest multiple of it; none by default. */
  step?: number;
}

/** A limit that passed {@link defineLimit}. */
export type LimitDefinition = Readonly<LimitOptions>;

/**
 * Declares a limit: a number that is fetched, snapped to `step` and clamped to `[min, max]`.
 *
 * @throws {SchemaError} where a number is not finite, `min > max`, `step <= 0`, or the default lies outside the
 * bounds or off the step.
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
    throw new SchemaError(`defineLimit: "min" (${min}) is above "max" (${max}).`);
  }
  if (step !== undefined && step <= 0) {
    throw new SchemaError(`defineLimit: "step" must be above 0, got ${step}.`);
  }
  if ((min !== undefined && fallback < min) || (max !== undefined && fallback > max)) {
    throw new SchemaError(`defineLimit: "default" (${fallback}) lies outside ${bounds(min, max)}.`);
  }
  if (step !== undefined && snap(fallback, step) !== fallback) {
    throw new SchemaError(`defineLimit: "default" (${fallback}) is no multiple of "step" (${step}).`);
  }
  return Object.freeze({
    default: fallback,
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    ...(step !== undefined && { step }),
  });
}

/**
 * The number that a limit serves for a stored value: what is no finite number (a non-empty numeric string is read
 * as one) becomes the default, then it is snapped to `step`, then clamped to `[min, max]`. Never throws.
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
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** Nearest multiple of `step`, halves away from zero, without binary dust: 0.3, not 0.30000000000000004. */
function snap(value: number, step: number): number {
  // The quotient carries dust too: 1.15 / 0.1 is 11.499999999999998, and must round to 12.
  const steps = Number((Math.abs(value) / step).toPrecision(15));
  const multiple = Math.round(steps) * step;
  const digits = decimals(step);
  const clean = digits <= 100 ? Number(multiple.toFixed(digits)) : multiple;
  if (!Number.isFinite(clean)) return value;
  return value < 0 && clean !== 0 ? -clean : clean;
}

function decimals(step: number): number {
  const [mantissa = '', exponent = '0'] = String(step).split('e');
  const fraction = mantissa.split('.')[1]?.length ?? 0;
  return Math.max(0, fraction - Number(exponent));
}

function bounds(min: number | undefined, max: number | undefined): string {
  return `[${min ?? '-∞'}, ${max ?? '∞'}]`;
}

function describe(value: unknown): string {
  return typeof value === 'number' ? String(value) : value === null ? 'null' : typeof value;
}
