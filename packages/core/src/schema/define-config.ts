import type { StandardSchemaV1 } from '@standard-schema/spec';
import { environmentVariableName, SETTINGS_VARIABLES } from '../environment-variable.ts';
import { SchemaError } from '../errors.ts';
import { jsonFault } from '../lib/json-fault.ts';
import { TIERS } from '../tiers.ts';
import type { Tier } from '../wire.ts';
import type {
  ConfigDefinition,
  ConfigOptions,
  ContextValidator,
  KeyDefinition,
  Limits,
  Validators,
} from './config-types.ts';
import { declaredDefaults } from './declared-defaults.ts';
import { findKeyIssue } from './key-name.ts';
import { defineLimit, type LimitDefinition } from './limit.ts';
import { isStandardSchema } from './standard-schema.ts';

// biome-ignore lint/complexity/noBannedTypes: a tier that is left out has no keys
type NoKeys = {};

/**
 * Declares a schema: its keys, their tiers, and a validator for each value. It calls no validator, only the functions
 * that make defaults. Validators must be synchronous: the first value of a key with an asynchronous one is reported as
 * invalid.
 *
 * A key is any string of 1 to 255 characters without control characters, except `__proto__`, `constructor` and `prototype`.
 *
 * @throws {SchemaError} for a key in two tiers, two keys that share an environment variable, an invalid key, a key
 * without a validator, a default that JSON cannot carry (except a secret's), an invalid limit, or a schema without
 * keys. Its `key` is the one at fault.
 * @example
 * export const config = defineConfig({
 *   context: z.object({ userId: z.string(), country: z.string().optional() }),
 *   public: { apiBaseUrl: z.url() },
 *   secrets: { databaseUrl: z.url() },
 *   flags: { newCheckout: z.boolean().default(false) },
 *   limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100 }) },
 * });
 */
export function defineConfig<
  const Public extends Validators = NoKeys,
  const Secrets extends Validators = NoKeys,
  const Flags extends Validators = NoKeys,
  const Lims extends Limits = NoKeys,
  Context extends ContextValidator = ContextValidator,
>(
  options: ConfigOptions<Public, Secrets, Flags, Lims, Context>,
): ConfigDefinition<Public, Secrets, Flags, Lims, Context> {
  checkGroups(options);
  const keys = collectKeys(options);
  return Object.freeze({
    public: options.public ?? ({} as Public),
    secrets: options.secrets ?? ({} as Secrets),
    flags: options.flags ?? ({} as Flags),
    limits: options.limits ?? ({} as Lims),
    ...(options.context !== undefined && { context: checkContext(options.context) }),
    keys,
  });
}

function checkGroups(options: object | undefined): void {
  for (const group of Object.keys(options ?? {})) {
    if (group === 'context' || TIERS.some((names) => names.group === group)) continue;
    throw new SchemaError(
      `defineConfig: unknown tier "${group}". The tiers are ${TIERS.map((names) => names.group).join(', ')}.`,
    );
  }
}

function collectKeys(
  options: ConfigOptions<Validators, Validators, Validators, Limits>,
): Map<string, KeyDefinition> {
  const keys = new Map<string, KeyDefinition>();
  const variables = new Map<string, string>(
    Object.values(SETTINGS_VARIABLES).map((name) => [name, 'a setting of the client']),
  );
  for (const { tier, group, label } of TIERS) {
    const definitions: Validators | Limits = options?.[group] ?? {};
    for (const [key, definition] of Object.entries(definitions)) {
      const other = keys.get(key);
      if (other !== undefined) {
        throw new SchemaError(
          `defineConfig: "${key}" is declared as ${other.tier} and as ${tier}. Keep one, or rename one.`,
          key,
        );
      }
      const keyDefinition = defineKey({ key, tier, label, definition });
      const { environmentVariable } = keyDefinition;
      const taken = variables.get(environmentVariable);
      if (taken !== undefined) {
        throw new SchemaError(
          `defineConfig: "${key}" and ${taken} share the environment variable ${environmentVariable}. Rename one.`,
          key,
        );
      }
      variables.set(environmentVariable, `"${key}"`);
      keys.set(key, keyDefinition);
    }
  }
  if (keys.size > 0) return keys;
  throw new SchemaError('defineConfig: the definition is empty. Declare at least one key in one tier.');
}

function checkContext<Context>(context: Context): Context {
  if (isStandardSchema(context)) return context;
  throw new SchemaError(
    'defineConfig: "context" is not a validator. Pass a Standard Schema of an object, such as z.object({ userId: z.string() }).',
  );
}

function defineKey(input: {
  key: string;
  tier: Tier;
  label: string;
  definition: StandardSchemaV1 | LimitDefinition;
}): KeyDefinition {
  const { key, tier, label, definition } = input;
  const issue = findKeyIssue(key);
  if (issue !== undefined) {
    throw new SchemaError(`defineConfig: the ${label} ${JSON.stringify(key)} ${issue}. Rename it.`, key);
  }
  const environmentVariable = environmentVariableName(key);
  if (tier === 'limit') return { key, tier, environmentVariable, limit: checkLimit(key, definition) };
  if (!isStandardSchema(definition)) {
    throw new SchemaError(`defineConfig: the ${label} "${key}" ${noValidator(definition)}`, key);
  }
  if (tier !== 'secret') checkDefaults(definition, { key, label });
  return { key, tier, environmentVariable, validator: definition };
}

function noValidator(definition: unknown): string {
  if (Array.isArray(definition) && isStandardSchema(definition[0])) {
    return definition[1] === '='
      ? 'has the default of an object\'s property, which is all that arktype\'s .default(…) makes. Write type("boolean | undefined").pipe((value) => value ?? false), with your type and default.'
      : 'is a property of an object, which is all that arktype\'s .optional() makes. Write .or("undefined") instead.';
  }
  return 'has no validator. Pass a Standard Schema: zod 4, valibot 1, arktype 2, or Schema.standardSchemaV1(…) of Effect, such as z.string().';
}

/** A default that JSON cannot carry would be another value in a browser and in the pushed schema. */
function checkDefaults(validator: StandardSchemaV1, { key, label }: { key: string; label: string }): void {
  for (const value of declaredDefaults(validator)) {
    const fault = value === undefined ? undefined : jsonFault(value);
    if (fault === undefined) continue;
    throw new SchemaError(
      `defineConfig: the default of the ${label} "${key}" is not JSON: it is or contains ${fault}. Use a default that JSON can carry; if the value is transformed, set the default before the transform (in zod: .prefault(…)).`,
      key,
    );
  }
}

function checkLimit(key: string, definition: StandardSchemaV1 | LimitDefinition): LimitDefinition {
  if (isStandardSchema(definition) || typeof definition !== 'object' || definition === null) {
    throw new SchemaError(
      `defineConfig: the limit "${key}" is a validator. Declare it with defineLimit({ default, min, max, step }).`,
      key,
    );
  }
  try {
    return defineLimit(definition);
  } catch (error) {
    if (error instanceof SchemaError) throw new SchemaError(`The limit "${key}": ${error.message}`, key);
    throw error;
  }
}
