import { SETTINGS_VARIABLES } from '../environment-variable.ts';
import { type InvalidKey, OptionsError } from '../errors.ts';
import { isTargeted } from '../evaluation/evaluate.ts';
import { type LayerValues, layerOf } from '../ruleset/value-layers.ts';
import type { AnyConfig, KeyDefinition } from '../schema/config-types.ts';
import { parseValue } from '../schema/parse-value.ts';
import type { EnvironmentVariables } from '../settings.ts';
import { tierNames } from '../tiers.ts';
import type { JsonValue, Tier } from '../wire.ts';

/** Which variables override values. */
export interface EnvironmentOverrideOptions {
  /** What stands before each name: `SHOP_` makes `databaseUrl` read `SHOP_DATABASE_URL`. Default none. */
  prefix?: string | undefined;
  /** In place of `process.env`. */
  variables?: EnvironmentVariables | undefined;
}

/** What {@link readEnvironmentOverrides} found; messages name the variable and never hold a secret's value. */
export interface EnvironmentOverrides {
  /** Undefined where no variable of a key is set. */
  values: LayerValues | undefined;
  invalid: readonly InvalidKey[];
}

const SETTINGS: ReadonlySet<string> = new Set(Object.values(SETTINGS_VARIABLES));

type Reading = { ok: true; value: JsonValue } | { ok: false; issues: readonly string[] };

/**
 * The values that environment variables set, one variable a key, as the schema takes them. An empty one counts as not
 * set. The text itself is tried first and what it is as JSON after that, so that a string schema gets the text as it
 * is; but `true` and `false` are booleans wherever the schema answers a boolean for one, as coercion would read "false"
 * as true.
 *
 * @throws {OptionsError} for a prefix by which a key would read a setting of the client, such as its secret.
 */
export function readEnvironmentOverrides(
  config: AnyConfig,
  variables: EnvironmentVariables,
  prefix = '',
): EnvironmentOverrides {
  const entries: [Tier, string, JsonValue][] = [];
  const invalid: InvalidKey[] = [];
  for (const definition of config.keys.values()) {
    const name = `${prefix}${definition.environmentVariable}`;
    if (SETTINGS.has(name)) throw isSetting(prefix, definition.key, name);
    const text = variables[name];
    if (text === undefined || text === '') continue;
    const reading = readText(definition, text);
    if (reading.ok) entries.push([definition.tier, definition.key, reading.value]);
    else invalid.push(describeInvalid(definition, name, reading.issues));
  }
  return { values: entries.length === 0 ? undefined : layerOf(entries), invalid };
}

function isSetting(prefix: string, key: string, name: string): OptionsError {
  return new OptionsError(
    'overrides',
    `With "overrides.prefix" ${JSON.stringify(prefix)} the key "${key}" would read ${name}, which is a setting of the client. Choose another prefix.`,
  );
}

function readText(definition: KeyDefinition, text: string): Reading {
  const json = parseJson(text);
  if (definition.limit !== undefined) return readLimit(json);
  if (typeof json === 'boolean') {
    const result = parseValue(definition, json);
    if (result.ok && typeof result.value === 'boolean') return { ok: true, value: json };
  }
  const asText = parseValue(definition, text);
  if (asText.ok) return { ok: true, value: text };
  if (json === undefined) return asText;
  if (definition.tier === 'feature_flag' && isTargeted(json)) {
    return { ok: false, issues: ['an override is one value for all contexts, without "$cohort"'] };
  }
  const asJson = parseValue(definition, json);
  return asJson.ok ? { ok: true, value: json } : asJson;
}

function readLimit(json: JsonValue | undefined): Reading {
  if (typeof json === 'number' && Number.isFinite(json)) return { ok: true, value: json };
  return { ok: false, issues: ['it is no number'] };
}

function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

function describeInvalid(definition: KeyDefinition, name: string, issues: readonly string[]): InvalidKey {
  const { key, tier } = definition;
  return {
    key,
    code: 'ERR_VALUE_INVALID',
    message: `${tierNames(tier).group}.${key} is invalid in the environment variable ${name}: ${issues.join('; ')}.`,
  };
}
