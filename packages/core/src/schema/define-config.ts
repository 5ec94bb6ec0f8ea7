import type { StandardSchemaV1 } from '@standard-schema/spec';
import { environmentVariableName, SETTINGS_VARIABLES } from '../environment-variable.ts';
import { SchemaError } from '../errors.ts';
import { TIERS } from '../tiers.ts';
import type { EvaluationContext, Tier } from '../wire.ts';
import { noteBrowserValue } from './browser-value.ts';
import { defineLimit, type LimitDefinition } from './limit.ts';
import { declaresName, isAsynchronous, isStandardSchema, validateNow } from './standard-schema.ts';

/** Validators by key: any Standard Schema library (zod, valibot, arktype, …). */
export type Validators = Readonly<Record<string, StandardSchemaV1>>;

/** Limits by key. */
export type Limits = Readonly<Record<string, LimitDefinition>>;

/** A validator of evaluation contexts: any Standard Schema of an object. */
export type ContextValidator = StandardSchemaV1<EvaluationContext, unknown>;

/** What {@link defineConfig} takes; a tier without keys may be left out. */
export interface ConfigOptions<
  Public extends Validators,
  Secrets extends Validators,
  Flags extends Validators,
  Lims extends Limits,
  Context extends ContextValidator = ContextValidator,
> {
  /** Values that a browser may see. */
  public?: Public;
  /** Values that never leave a server. */
  secrets?: Secrets;
  /** Feature flags: a raw value, or one that targeting decides by context. */
  flags?: Flags;
  /** Numbers with bounds, made by {@link defineLimit}. */
  limits?: Lims;
  /**
   * The attributes that flags and limits are evaluated for; default any. What its validator takes is the type of every
   * context; it never runs, so that a read stays as fast as it is and cannot fail.
   */
  context?: Context;
}

/** One declared key. */
export interface KeyDefinition {
  readonly key: string;
  readonly tier: Tier;
  readonly environmentVariable: string;
  /** The validator of a public value, secret or flag. */
  readonly validator?: StandardSchemaV1;
  /** The bounds of a limit. */
  readonly limit?: LimitDefinition;
}

/** A schema that passed {@link defineConfig}. */
export interface ConfigDefinition<
  Public extends Validators = Validators,
  Secrets extends Validators = Validators,
  Flags extends Validators = Validators,
  Lims extends Limits = Limits,
  Context extends ContextValidator = ContextValidator,
> {
  readonly public: Public;
  readonly secrets: Secrets;
  readonly flags: Flags;
  readonly limits: Lims;
  /** The validator of contexts; undefined where none was declared. */
  readonly context?: Context;
  /** Every key of every tier. */
  readonly keys: ReadonlyMap<string, KeyDefinition>;
}

/** Any schema. */
export type AnyConfig = ConfigDefinition<Validators, Validators, Validators, Limits, ContextValidator>;

/**
 * Augment it with the type of your schema, and every client, hook and decorator is typed by it.
 *
 * @example
 * declare module '@smooai/config' { interface Register { config: typeof config } }
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by the user's module augmentation
export interface Register {}

/** The schema in {@link Register}; any schema where none is registered. */
export type RegisteredConfig = Register extends { config: infer Config extends AnyConfig }
  ? Config
  : AnyConfig;

/** Keys of the public tier. */
export type PublicKey<Config extends AnyConfig = RegisteredConfig> = keyof Config['public'] & string;
/** Keys of the secret tier. */
export type SecretKey<Config extends AnyConfig = RegisteredConfig> = keyof Config['secrets'] & string;
/** Keys of the flags. */
export type FlagKey<Config extends AnyConfig = RegisteredConfig> = keyof Config['flags'] & string;
/** Keys of the limits. */
export type LimitKey<Config extends AnyConfig = RegisteredConfig> = keyof Config['limits'] & string;

/** The type of a public value. */
export type PublicValue<
  Key extends PublicKey<Config>,
  Config extends AnyConfig = RegisteredConfig,
> = StandardSchemaV1.InferOutput<Config['public'][Key]>;
/** The type of a secret. */
export type SecretValue<
  Key extends SecretKey<Config>,
  Config extends AnyConfig = RegisteredConfig,
> = StandardSchemaV1.InferOutput<Config['secrets'][Key]>;
/** The type of a flag's value. */
export type FlagValue<
  Key extends FlagKey<Config>,
  Config extends AnyConfig = RegisteredConfig,
> = StandardSchemaV1.InferOutput<Config['flags'][Key]>;

/** What may be stored for a public value: what its validator takes. */
export type PublicInput<
  Key extends PublicKey<Config>,
  Config extends AnyConfig = RegisteredConfig,
> = StandardSchemaV1.InferInput<Config['public'][Key]>;
/** What may be stored for a secret: what its validator takes. */
export type SecretInput<
  Key extends SecretKey<Config>,
  Config extends AnyConfig = RegisteredConfig,
> = StandardSchemaV1.InferInput<Config['secrets'][Key]>;
/** What may be stored for a flag, itself or as an answer of its targeting: what its validator takes. */
export type FlagInput<
  Key extends FlagKey<Config>,
  Config extends AnyConfig = RegisteredConfig,
> = StandardSchemaV1.InferInput<Config['flags'][Key]>;

/** What JSON makes of a type: the same one, where JSON can carry it. */
type Json<Value> = Value extends string | number | boolean | null | undefined
  ? Value
  : Value extends bigint | symbol | ((...parameters: never[]) => unknown)
    ? never
    : { [Name in keyof Value]: Json<Value[Name]> };

/** The options of a type that JSON can carry. */
type JsonOptions<Value> = Value extends Json<Value> ? Value : never;

/** The output, and what was stored in place of each option of it that JSON cannot carry. */
type BrowserValue<Input, Output> = unknown extends Output
  ? unknown
  : [Output] extends [JsonOptions<Output>]
    ? Output
    : JsonOptions<Output> | Exclude<Input, undefined>;

/** A public value as a browser reads it: that of {@link PublicValue}, or {@link PublicInput} where that is no JSON. */
export type BrowserPublicValue<
  Key extends PublicKey<Config>,
  Config extends AnyConfig = RegisteredConfig,
> = BrowserValue<PublicInput<Key, Config>, PublicValue<Key, Config>>;
/** A flag's value as a browser reads it: that of {@link FlagValue}, or {@link FlagInput} where that is no JSON. */
export type BrowserFlagValue<
  Key extends FlagKey<Config>,
  Config extends AnyConfig = RegisteredConfig,
> = BrowserValue<FlagInput<Key, Config>, FlagValue<Key, Config>>;

/** What flags and limits are evaluated for: the declared attributes, or any. */
export type ConfigContext<Config extends AnyConfig = RegisteredConfig> = StandardSchemaV1.InferInput<
  NonNullable<Config['context']>
>;

// biome-ignore lint/complexity/noBannedTypes: the tier that is left out has no keys
type NoKeys = {};

/**
 * Declares a schema: which keys there are, in which tier, and what their values must be.
 *
 * @throws {SchemaError} naming the key: for a key in two tiers, two keys that share an environment variable, a key
 * that is not camelCase, an asynchronous validator, an invalid limit, or a schema without any key.
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
  for (const group of Object.keys(options ?? {})) {
    if (group !== 'context' && !TIERS.some((names) => names.group === group)) {
      throw new SchemaError(
        `defineConfig: unknown tier "${group}". The tiers are ${TIERS.map((names) => names.group).join(', ')}.`,
      );
    }
  }
  const keys = new Map<string, KeyDefinition>();
  const variables = new Map<string, string>(
    Object.values(SETTINGS_VARIABLES).map((name) => [name, 'the client’s own settings']),
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
      const taken = variables.get(keyDefinition.environmentVariable);
      if (taken !== undefined) {
        throw new SchemaError(
          `defineConfig: "${key}" and ${taken} share the environment variable ${keyDefinition.environmentVariable}. Rename one.`,
          key,
        );
      }
      variables.set(keyDefinition.environmentVariable, `"${key}"`);
      keys.set(key, keyDefinition);
    }
  }
  if (keys.size === 0) {
    throw new SchemaError('defineConfig: the definition is empty. Declare at least one key in one tier.');
  }
  return Object.freeze({
    public: options.public ?? ({} as Public),
    secrets: options.secrets ?? ({} as Secrets),
    flags: options.flags ?? ({} as Flags),
    limits: options.limits ?? ({} as Lims),
    ...(options.context !== undefined && { context: checkContext(options.context) }),
    keys,
  });
}

function checkContext<Context>(context: Context): Context {
  if (isStandardSchema(context)) return context;
  throw new SchemaError(
    'defineConfig: "context" is no validator. Give a Standard Schema of an object, such as z.object({ userId: z.string() }).',
  );
}

function defineKey(input: {
  key: string;
  tier: Tier;
  label: string;
  definition: StandardSchemaV1 | LimitDefinition;
}): KeyDefinition {
  const { key, tier, label, definition } = input;
  if (!/^[a-z][a-zA-Z0-9]*$/.test(key)) {
    throw new SchemaError(`defineConfig: the ${label} "${key}" is not camelCase. ${suggestKey(key)}`, key);
  }
  const environmentVariable = environmentVariableName(key);
  if (tier === 'limit') return { key, tier, environmentVariable, limit: checkLimit(key, definition) };
  if (!isStandardSchema(definition)) {
    throw new SchemaError(
      `defineConfig: the ${label} "${key}" has no validator. Give a Standard Schema, such as z.string() of zod 4, valibot 1 or arktype 2.`,
      key,
    );
  }
  if (isAsynchronous(definition)) {
    throw new SchemaError(
      `defineConfig: the validator of "${key}" is asynchronous. Values are read synchronously, so use a synchronous one.`,
      key,
    );
  }
  return { key, tier, environmentVariable, validator: definition };
}

function suggestKey(key: string): string {
  const words = key.split(/[^a-zA-Z0-9]+/).filter(Boolean);
  const camel = words
    .map((word, index) =>
      index === 0
        ? word.charAt(0).toLowerCase() + word.slice(1)
        : word.charAt(0).toUpperCase() + word.slice(1),
    )
    .join('')
    .replace(/^[0-9]+/, '');
  return camel === '' ? 'Use letters and digits, the first a small letter.' : `Did you mean "${camel}"?`;
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

/** What {@link parseValue} answers. */
export type ParseResult = { ok: true; value: unknown } | { ok: false; issues: string[] };

/**
 * Runs a value (or `undefined` for "nothing stored") through its key's validator. Never throws; the issues name the
 * path and reason, and for a secret leave the validator's words out, since they may quote the value.
 */
export function parseValue(definition: KeyDefinition, value: unknown): ParseResult {
  if (definition.validator === undefined) {
    return { ok: true, value };
  }
  const result = validateNow(definition.validator, value);
  // The thrown error may quote the value, so it is not repeated here.
  if (result === 'threw') return { ok: false, issues: ['its validator threw an error'] };
  if (result === 'asynchronous') {
    return { ok: false, issues: ['its validator is asynchronous; use a synchronous one'] };
  }
  if (result.issues === undefined) {
    noteBrowserValue(definition, result.value, value);
    return { ok: true, value: result.value };
  }
  return { ok: false, issues: result.issues.map((issue) => describeIssue(issue, definition)) };
}

function describeIssue(issue: StandardSchemaV1.Issue, { tier, validator }: KeyDefinition): string {
  const names = (issue.path ?? []).map((segment) => (typeof segment === 'object' ? segment.key : segment));
  // A name that the schema does not declare, as in a record, is part of the secret.
  const isTold = (name: PropertyKey): boolean =>
    tier !== 'secret' ||
    typeof name === 'number' ||
    (validator !== undefined && declaresName(validator, name));
  const path = names.map((name) => (isTold(name) ? String(name) : '*')).join('.');
  const reason = tier === 'secret' ? 'is not what its schema asks for' : issue.message;
  return path === '' ? reason : `at "${path}": ${reason}`;
}
