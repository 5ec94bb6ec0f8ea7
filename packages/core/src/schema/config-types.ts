import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { EvaluationContext, Tier } from '../wire.ts';
import type { LimitDefinition } from './limit.ts';

/** Validators by key: any Standard Schema library (zod, valibot, arktype, …). */
export type Validators = Readonly<Record<string, StandardSchemaV1>>;

/** Limits by key. */
export type Limits = Readonly<Record<string, LimitDefinition>>;

/** A validator of evaluation contexts: any Standard Schema of an object. */
export type ContextValidator = StandardSchemaV1<EvaluationContext, unknown>;

/** What `defineConfig` takes; a tier without keys may be left out. */
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
  /** Numbers with bounds, made by `defineLimit`. */
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

/** A schema that passed `defineConfig`. */
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
