import { OptionsError } from '../errors.ts';
import { isTargeted } from '../evaluation/evaluate.ts';
import { frozenCopy, plainCopy } from '../lib/frozen-copy.ts';
import { callGuarded, isThenable } from '../lib/guarded-call.ts';
import { isPlainRecord, isRecord } from '../lib/record.ts';
import { type LayerValues, layerOf } from '../ruleset/value-layers.ts';
import type {
  AnyConfig,
  FlagInput,
  FlagKey,
  LimitKey,
  PublicInput,
  PublicKey,
  RegisteredConfig,
  SecretInput,
  SecretKey,
} from '../schema/config-types.ts';
import { TIERS, type TierNames } from '../tiers.ts';
import type { Condition, JsonValue, TargetedValue, Tier } from '../wire.ts';

/** The values already resolved when a computed value is. The order is public, secrets, flags, limits. */
export type ResolvedValues = Readonly<Record<TierNames['group'], Readonly<Record<string, unknown>>>>;

/** A value, or a function that computes it from the values before it. */
export type BundledValue<Value> = Value | ((values: ResolvedValues) => Value);

/** Values by tier, of the types that the validators accept. Flags and limits may be targeted (`{ $cohort }`). */
export interface BundledValues<Config extends AnyConfig = RegisteredConfig> {
  public?: { [Key in PublicKey<Config>]?: BundledValue<PublicInput<Key, Config>> };
  secrets?: { [Key in SecretKey<Config>]?: BundledValue<SecretInput<Key, Config>> };
  flags?: {
    [Key in FlagKey<Config>]?: BundledValue<
      FlagInput<Key, Config> | TargetedValue<Exclude<FlagInput<Key, Config>, undefined>>
    >;
  };
  limits?: { [Key in LimitKey<Config>]?: BundledValue<number | TargetedValue<number>> };
  segments?: Record<string, Condition>;
}

/** One set of values to merge. */
export interface BundledPart {
  /** Names it in errors. */
  name: string;
  values: unknown;
}

const GROUPS: readonly string[] = [...TIERS.map(({ group }) => group), 'segments'];

/**
 * Merges each part over the ones before it: objects deeply, arrays and targeted values as a whole. Then computes the
 * functions among the values, in order. Keys that the schema does not declare are left out.
 *
 * @throws {OptionsError} for values that are malformed, and for a function that throws or returns a promise. The
 * original error's message is not repeated: it may quote a secret.
 */
export function resolveBundledValues(config: AnyConfig, parts: readonly BundledPart[]): LayerValues {
  try {
    return resolve(config, parts);
  } catch (error) {
    if (error instanceof OptionsError) throw error;
    throw new OptionsError(
      'bundled',
      'The bundled values cannot be read: they are nested too deeply, contain a cycle, or a getter throws an error.',
    );
  }
}

function resolve(config: AnyConfig, parts: readonly BundledPart[]): LayerValues {
  let merged: Readonly<Record<string, unknown>> = {};
  for (const { name, values } of parts) merged = asRecord(mergeValues(merged, checkShape(name, values)));
  const resolved: Record<TierNames['group'], Record<string, unknown>> = {
    public: {},
    secrets: {},
    flags: {},
    limits: {},
  };
  const entries: [Tier, string, JsonValue][] = [];
  for (const { tier, group } of TIERS) {
    for (const [key, value] of Object.entries(asRecord(merged[group]))) {
      if (config.keys.get(key)?.tier !== tier) continue;
      const computed = compute(value, resolved, `${group}.${key}`);
      if (computed === undefined) continue;
      // Copies, since the program may go on changing its objects.
      resolved[group][key] = frozenCopy(computed);
      // It may be anything that the validator accepts, since it is never sent as JSON.
      entries.push([tier, key, plainCopy(computed) as JsonValue]);
    }
  }
  return layerOf(entries, asRecord(merged.segments) as Record<string, Condition>);
}

function checkShape(name: string, values: unknown): Record<string, unknown> {
  if (!isRecord(values))
    throw new OptionsError('bundled', `The bundled values of ${name} must be an object.`);
  for (const [group, entry] of Object.entries(values)) {
    if (!GROUPS.includes(group)) {
      throw new OptionsError(
        'bundled',
        `The bundled values of ${name} have an unknown tier "${group}". The tiers are ${GROUPS.join(', ')}.`,
      );
    }
    if (entry !== undefined && !isRecord(entry)) {
      throw new OptionsError('bundled', `"${group}" in the bundled values of ${name} must be an object.`);
    }
  }
  return values;
}

/**
 * Merges `after` over `before`: objects deeply, arrays and targeted values as a whole. What is undefined in `after` stays
 * as it was. Neither is modified.
 */
export function mergeValues(before: unknown, after: unknown): unknown {
  if (after === undefined) return before;
  if (!isMergeable(before) || !isMergeable(after)) return after;
  const merged = new Map(Object.entries(before));
  for (const [key, value] of Object.entries(after)) merged.set(key, mergeValues(merged.get(key), value));
  return Object.fromEntries(merged);
}

/** Whether a value is merged key by key: a plain object that is not a targeted value. */
function isMergeable(value: unknown): value is Record<string, unknown> {
  return isPlainRecord(value) && !isTargeted(value as JsonValue);
}

/**
 * Merges the values of a file, by tier, over `before`. The functions among them get `before`.
 *
 * @throws {OptionsError} as {@link resolveBundledValues} does.
 */
export function mergeComputed(
  before: ResolvedValues,
  values: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  file: string,
): ResolvedValues {
  try {
    const computed = Object.entries(values).map(([group, entries]) => [
      group,
      Object.fromEntries(
        Object.entries(entries).map(([key, value]) => [
          key,
          compute(value, before, `${group}.${key} in ${file}`),
        ]),
      ),
    ]);
    return mergeValues(before, Object.fromEntries(computed)) as ResolvedValues;
  } catch (error) {
    if (error instanceof OptionsError) throw error;
    throw new OptionsError(
      'bundled',
      `The values in ${file} cannot be read: they are nested too deeply, contain a cycle, or a getter throws an error.`,
    );
  }
}

function compute(value: unknown, resolved: ResolvedValues, name: string): unknown {
  if (isComputed(value)) return compute(call(value, resolved, name), resolved, name);
  if (!isMergeable(value)) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, compute(inner, resolved, name)]);
  return Object.fromEntries(entries);
}

function isComputed(value: unknown): value is (values: ResolvedValues) => unknown {
  return typeof value === 'function';
}

function call(value: (values: ResolvedValues) => unknown, resolved: ResolvedValues, name: string): unknown {
  let result: unknown;
  try {
    result = value(resolved);
  } catch {
    throw new OptionsError('bundled', `The function that computes the bundled ${name} threw an error.`);
  }
  if (typeof result !== 'function' && !isThenable(result)) return result;
  // If it is a promise that rejects, the rejection must not go unhandled.
  callGuarded(() => result);
  throw new OptionsError(
    'bundled',
    `The function that computes the bundled ${name} must return a value, not a promise or a function.`,
  );
}

function asRecord(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}
