import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { EvaluationContext, Tier } from '../wire.ts';
import type { LimitDefinition } from './limit.ts';

/** Validators by key: any Standard Schema library (zod, valibot, arktype, …). */
export type Validators = Readonly<Record<string, StandardSchemaV1>>;

/** Limits by key. */
export type Limits = Readonly<Record<string, LimitDefinition>>;

/** A validator for evaluation contexts: any Standard Schema of an object. */
export type ContextValidator = StandardSchemaV1<EvaluationContext, unknown>;

/** Options of `defineConfig`; a tier without keys may be left out. */
export interface ConfigOptions<
  Public extends Validators,
  Secrets extends Validators,
  Flags extends Validators,
  Lims extends Limits,
  Context extends ContextValidator = ContextValidator,
> {
  /** Values that browsers may read. */
  public?: Public;
  /** Values that never leave the server. */
  secrets?: Secrets;
  /** Feature flags: one value for everyone, or targeting that picks one for each context. */
  flags?: Flags;
  /** Numbers with bounds, made by `defineLimit`. */
  limits?: Lims;
  /**
   * The attributes that flags and limits are evaluated for; default any. Only its input type is used, for every context:
   * the validator never runs, so reads stay fast and cannot fail.
   */
  context?: Context;
}

/** One declared key. */
export interface KeyDefinition {
  readonly key: string;
  readonly tier: Tier;
  readonly environmentVariable: string;
  /** For a public value, secret or flag. */
  readonly validator?: StandardSchemaV1;
  /** For a limit. */
  readonly limit?: LimitDefinition;
}

/** A schema made by `defineConfig`. */
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
  /** Undefined if none was declared. */
  readonly context?: Context;
  /** Every key of every tier. */
  readonly keys: ReadonlyMap<string, KeyDefinition>;
}

/** Any schema. */
export type AnyConfig = ConfigDefinition<Validators, Validators, Validators, Limits, ContextValidator>;

/**
 * Augment it with the type of your schema to type every client, hook and decorator.
 *
 * @example
 * declare module '@smooai/config' { interface Register { config: typeof config } }
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by the user's module augmentation
export interface Register {}

/** The schema in {@link Register}; any schema if none is registered. */
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

/** The input type of a public value: what may be stored for it. */
export type PublicInput<
  Key extends PublicKey<Config>,
  Config extends AnyConfig = RegisteredConfig,
> = StandardSchemaV1.InferInput<Config['public'][Key]>;
/** The input type of a secret: what may be stored for it. */
export type SecretInput<
  Key extends SecretKey<Config>,
  Config extends AnyConfig = RegisteredConfig,
> = StandardSchemaV1.InferInput<Config['secrets'][Key]>;
/** The input type of a flag: what may be stored for it, as it is or inside its targeting. */
export type FlagInput<
  Key extends FlagKey<Config>,
  Config extends AnyConfig = RegisteredConfig,
> = StandardSchemaV1.InferInput<Config['flags'][Key]>;

/** A type after a round trip through JSON: unchanged if JSON can carry it. */
type Json<Value> = Value extends string | number | boolean | null | undefined
  ? Value
  : Value extends bigint | symbol | ((...parameters: never[]) => unknown)
    ? never
    : { [Name in keyof Value]: Json<Value[Name]> };

/** The members of a union that JSON can carry. */
type JsonMembers<Value> = Value extends Json<Value> ? Value : never;

/** The output type, with the input type in place of the members that JSON cannot carry. */
type BrowserValue<Input, Output> = unknown extends Output
  ? unknown
  : [Output] extends [JsonMembers<Output>]
    ? Output
    : JsonMembers<Output> | Exclude<Input, undefined>;

/** A public value as a browser reads it: {@link PublicValue}, or {@link PublicInput} if JSON cannot carry that. */
export type BrowserPublicValue<
  Key extends PublicKey<Config>,
  Config extends AnyConfig = RegisteredConfig,
> = BrowserValue<PublicInput<Key, Config>, PublicValue<Key, Config>>;
/** A flag's value as a browser reads it: {@link FlagValue}, or {@link FlagInput} if JSON cannot carry that. */
export type BrowserFlagValue<
  Key extends FlagKey<Config>,
  Config extends AnyConfig = RegisteredConfig,
> = BrowserValue<FlagInput<Key, Config>, FlagValue<Key, Config>>;

/** The context of evaluations: the declared attributes, or any. */
export type ConfigContext<Config extends AnyConfig = RegisteredConfig> = StandardSchemaV1.InferInput<
  NonNullable<Config['context']>
>;
