import type { AnyConfig, ConfigContext, ConfigSnapshot, FlagKey, FlagValue, Snapshot } from '@smooai/config';

/** A value that a variant can have. */
export type VariantValue = string | number | boolean | null;

/** The flags that a variant can depend on: those whose values are strings, numbers, booleans or null. */
export type VariantKey<C extends AnyConfig> = {
  [Key in FlagKey<C>]: unknown extends FlagValue<Key, C>
    ? Key
    : [FlagValue<Key, C>] extends [VariantValue]
      ? Key
      : never;
}[FlagKey<C>];

/** `false` for each member of a union that stands for any number of values. */
type HasFewValues<Value> = Value extends string
  ? string extends Value
    ? false
    : true
  : Value extends number
    ? number extends Value
      ? false
      : true
    : true;

/** The keys whose values the type does not list, such as those of any string. */
type OpenKey<C extends AnyConfig, Key extends FlagKey<C>> = Key extends unknown
  ? false extends HasFewValues<FlagValue<Key, C>>
    ? Key
    : never
  : never;

/** Possible values by key: required for open keys, and all values if left out for the others. */
type PossibleValues<C extends AnyConfig, Key extends FlagKey<C>> = {
  readonly [Name in OpenKey<C, Key>]: readonly FlagValue<Name, C>[];
} & { readonly [Name in Exclude<Key, OpenKey<C, Key>>]?: readonly FlagValue<Name, C>[] };

/** The rest of the parameters of {@link DeclareVariants}. */
type PossibleValuesArgument<C extends AnyConfig, Key extends FlagKey<C>> = [OpenKey<C, Key>] extends [never]
  ? [possibleValues?: PossibleValues<C, Key>]
  : [possibleValues: PossibleValues<C, Key>];

/**
 * Declares the flags that a page depends on. The possible values of booleans and enums are those of the schema; list
 * those of other flags.
 *
 * @throws {OptionsError} for a key that is not a flag, and for values that cannot be found out or are not possible.
 * @example
 * export const pricing = variants(['newCheckout', 'headline'], { headline: ['Welcome', 'Hello'] });
 */
export type DeclareVariants<C extends AnyConfig> = <const Keys extends readonly VariantKey<C>[]>(
  keys: Keys,
  ...possibleValues: PossibleValuesArgument<C, Keys[number]>
) => PageVariants<C, Keys[number]>;

/** The variants of a page. A code is a segment of its path, and stands for one value of each declared flag. */
export interface PageVariants<C extends AnyConfig, Key extends FlagKey<C> = FlagKey<C>> {
  /**
   * Evaluates the flags for the visitor and returns the code of that variant. For `proxy.ts`. Without configuration it
   * is `default`, the code of the variant in which each flag has its default. Rejects with what the context of the
   * visitor throws; `variantProxy` then uses `default`.
   *
   * @throws {OptionsError} in production without a secret.
   */
  code: (context?: ConfigContext<C>) => Promise<string>;
  /** Whether the code is `default`, or was signed for these flags. */
  accepts: (code: string) => boolean;
  /** Returns the values of a code, without reading the request; those of `default` if the code is not accepted. */
  values: (code: string) => { readonly [Name in Key]: FlagValue<Name, C> };
  /** Returns the values of a code as the `snapshot` of `<ConfigProvider>`, for hooks in a static page. */
  snapshot: (code: string) => Snapshot & ConfigSnapshot<C>;
  /**
   * Returns codes for `generateStaticParams`: first `default`, then those that differ from it in few flags. The others are
   * rendered when the first visitor needs them.
   *
   * @throws {OptionsError} in production without a secret, and for a `max` below 1.
   */
  generateVariants: (options?: {
    /** How many at most; default 32. */
    max?: number;
  }) => { variant: string }[];
}
