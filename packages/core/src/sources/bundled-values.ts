import { OptionsError } from '../errors.ts';
import { isTargeted } from '../evaluation/evaluate.ts';
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

/** The values that were resolved before a computed one: the tiers in the order public, secrets, flags, limits. */
export type ResolvedValues = Readonly<Record<TierNames['group'], Readonly<Record<string, unknown>>>>;

/** A value, or a function that computes it of those before it. */
export type BundledValue<Value> = Value | ((values: ResolvedValues) => Value);

/** Values by tier, of the types that the validators take. Flags and limits may be targeted (`{ $cohort }`). */
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

/** Values of one origin, and how it is called in errors. */
export interface BundledPart {
  name: string;
  values: unknown;
}

const GROUPS: readonly string[] = [...TIERS.map(({ group }) => group), 'segments'];

/**
 * Merges values of an environment over the defaults – objects deeply, arrays and targeted values as wholes – and then
 * computes the functions among them, in order. Keys that the schema does not declare are left out.
 *
 * @throws {OptionsError} for another shape than {@link BundledValues}, and for a function or property that throws or
 * answers with a promise; its words are not repeated, as they may quote a secret.
 */
export function resolveBundledValues(config: AnyConfig, parts: readonly BundledPart[]): LayerValues {
  try {
    return resolve(config, parts);
  } catch (error) {
    if (error instanceof OptionsError) throw error;
    throw new OptionsError(
      'bundled',
      'The bundled values cannot be read: they are nested too deeply, contain themselves, or a property of them throws an error.',
    );
  }
}

function resolve(config: AnyConfig, parts: readonly BundledPart[]): LayerValues {
  let merged: Readonly<Record<string, unknown>> = {};
  for (const { name, values } of parts) merged = asRecord(merge(merged, checkShape(name, values)));
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
      const answer = compute(value, resolved, `${group}.${key}`);
      if (answer === undefined) continue;
      resolved[group][key] = answer;
      // What a validator takes need not be JSON; it goes over no wire.
      entries.push([tier, key, answer as JsonValue]);
    }
  }
  return layerOf(entries, asRecord(merged.segments) as Record<string, Condition>);
}

function checkShape(name: string, values: unknown): Record<string, unknown> {
  if (!isRecord(values)) throw new OptionsError('bundled', `The bundled values of ${name} are no object.`);
  for (const [group, entry] of Object.entries(values)) {
    if (!GROUPS.includes(group)) {
      throw new OptionsError(
        'bundled',
        `The bundled values of ${name} have an unknown tier "${group}". The tiers are ${GROUPS.join(', ')}.`,
      );
    }
    if (entry !== undefined && !isRecord(entry)) {
      throw new OptionsError('bundled', `"${group}" in the bundled values of ${name} is no object.`);
    }
  }
  return values;
}

function merge(before: unknown, after: unknown): unknown {
  if (after === undefined) return before;
  if (!isPlain(before) || !isPlain(after)) return after;
  const merged = new Map(Object.entries(before));
  for (const [key, value] of Object.entries(after)) merged.set(key, merge(merged.get(key), value));
  return Object.fromEntries(merged);
}

/** Whether it is merged key by key: an object literal, and no targeted value. */
function isPlain(value: unknown): value is Record<string, unknown> {
  return isPlainRecord(value) && !isTargeted(value as JsonValue);
}

function compute(value: unknown, resolved: ResolvedValues, name: string): unknown {
  if (isComputed(value)) return compute(call(value, resolved, name), resolved, name);
  if (!isPlain(value)) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, compute(inner, resolved, name)]);
  return Object.fromEntries(entries);
}

function isComputed(value: unknown): value is (values: ResolvedValues) => unknown {
  return typeof value === 'function';
}

function call(value: (values: ResolvedValues) => unknown, resolved: ResolvedValues, name: string): unknown {
  let answer: unknown;
  try {
    answer = value(resolved);
  } catch {
    throw new OptionsError('bundled', `The function that computes the bundled ${name} threw an error.`);
  }
  if (typeof answer !== 'function' && !isThenable(answer)) return answer;
  // Its failure is nobody's any more.
  callGuarded(() => answer);
  throw new OptionsError(
    'bundled',
    `The function that computes the bundled ${name} must answer a value at once.`,
  );
}

function asRecord(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}
