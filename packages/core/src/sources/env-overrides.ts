import { SETTINGS_VARIABLES } from '../environment-variable.ts';
import { type InvalidKey, OptionsError } from '../errors.ts';
import { isTargeted } from '../evaluation/evaluate.ts';
import { parseJson } from '../lib/json.ts';
import { type LayerValues, layerOf } from '../ruleset/value-layers.ts';
import type { AnyConfig, KeyDefinition } from '../schema/config-types.ts';
import { parseValue } from '../schema/parse-value.ts';
import type { EnvironmentVariables } from '../settings.ts';
import { tierNames } from '../tiers.ts';
import type { JsonValue, Tier } from '../wire.ts';

/** Environment variables that override values. */
export interface EnvironmentOverrideOptions {
  /** Put before each name: with `SHOP_`, the key `databaseUrl` reads `SHOP_DATABASE_URL`. Default none. */
  prefix?: string | undefined;
  /** Used instead of `process.env`. */
  variables?: EnvironmentVariables | undefined;
}

/** The result of {@link readEnvironmentOverrides}. Messages name the variable, and never contain a secret's value. */
export interface EnvironmentOverrides {
  /** Undefined if no variable is set. */
  values: LayerValues | undefined;
  /** Keys whose variable the schema rejects. */
  invalid: readonly InvalidKey[];
}

const SETTINGS: ReadonlySet<string> = new Set(Object.values(SETTINGS_VARIABLES));

type Reading = { ok: true; value: JsonValue } | { ok: false; issues: readonly string[] };

/** The words for booleans, in any case. */
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['yes', true],
  ['on', true],
  ['false', false],
  ['0', false],
  ['no', false],
  ['off', false],
]);

/**
 * Reads values from environment variables, one per key. One that is empty or blank counts as not set. The schema is given
 * the text first, and then the text parsed as JSON, so that a string key gets the text unchanged. Exception: a key for
 * booleans reads {@link BOOLEANS}, since a schema that coerces would read the texts "false" and "0" as true.
 *
 * @throws {OptionsError} if, with this prefix, a key would read one of the client's own settings, such as its secret.
 */
export function readEnvironmentOverrides(
  config: AnyConfig,
  variables: EnvironmentVariables,
  prefix = '',
): EnvironmentOverrides {
  const entries: [Tier, string, JsonValue][] = [];
  const invalid: InvalidKey[] = [];
  const existing = namesIn(variables);
  for (const definition of config.keys.values()) {
    const name = `${prefix}${definition.environmentVariable}`;
    if (SETTINGS.has(name)) throw settingConflict(prefix, definition.key, name);
    if (!existing.has(name.toUpperCase())) continue;
    const text = variables[name];
    if (text === undefined || text.trim() === '') continue;
    const reading = readText(definition, text);
    if (reading.ok) entries.push([definition.tier, definition.key, reading.value]);
    else invalid.push(describeInvalid(definition, name, reading.issues));
  }
  return { values: entries.length === 0 ? undefined : layerOf(entries), invalid };
}

/** The names of the variables in capitals, since Windows ignores case. Each read of `process.env` is slow. */
function namesIn(variables: EnvironmentVariables): ReadonlySet<string> {
  const names = new Set<string>();
  // Unlike `Object.keys`, this includes inherited names.
  for (const name in variables) names.add(name.toUpperCase());
  return names;
}

function settingConflict(prefix: string, key: string, name: string): OptionsError {
  return new OptionsError(
    'overrides',
    `With "overrides.prefix" ${JSON.stringify(prefix)} the key "${key}" would read ${name}, which is a setting of the client. Choose another prefix.`,
  );
}

function readText(definition: KeyDefinition, text: string): Reading {
  const json = parseJson(text) as JsonValue | undefined;
  if (definition.limit !== undefined) return readLimit(json);
  const word = isForBooleans(definition) ? BOOLEANS.get(text.trim().toLowerCase()) : undefined;
  if (word !== undefined && typeof json === 'boolean') return { ok: true, value: word };
  const asText = parseValue(definition, text);
  // A schema that coerces gives a boolean for any text.
  if (asText.ok) return { ok: true, value: typeof asText.value === 'boolean' ? (word ?? text) : text };
  if (json === undefined) return word === undefined ? asText : { ok: true, value: word };
  if (definition.tier === 'feature_flag' && isTargeted(json)) {
    return {
      ok: false,
      issues: [
        'an environment variable cannot hold a targeted value ("$cohort"); set one value for all contexts',
      ],
    };
  }
  const asJson = parseValue(definition, json);
  if (asJson.ok) return { ok: true, value: json };
  return word === undefined ? asJson : { ok: true, value: word };
}

/** Whether the schema accepts both booleans and leaves them unchanged. */
function isForBooleans(definition: KeyDefinition): boolean {
  return [true, false].every((value) => {
    const parsed = parseValue(definition, value);
    return parsed.ok && parsed.value === value;
  });
}

function readLimit(json: JsonValue | undefined): Reading {
  if (typeof json === 'number' && Number.isFinite(json)) return { ok: true, value: json };
  return { ok: false, issues: ['it is not a number'] };
}

function describeInvalid(definition: KeyDefinition, name: string, issues: readonly string[]): InvalidKey {
  const { key, tier } = definition;
  return {
    key,
    code: 'ERR_VALUE_INVALID',
    message: `${tierNames(tier).group}.${key} is invalid in the environment variable ${name}: ${issues.join('; ')}.`,
  };
}
