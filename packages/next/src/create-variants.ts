import {
  type AnyConfig,
  type ConfigContext,
  type FlagKey,
  isConfigError,
  OptionsError,
  type Snapshot,
} from '@smooai/config';
import type { NextConfig } from './next-config-types.ts';
import { checkSchema } from './option-checks.ts';
import { possibleValues } from './possible-values.ts';
import { warnOnce } from './report-once.ts';
import { CODE_LIMITS, DEFAULT_CODE, decodeVariant, encodeVariant } from './variant-code.ts';
import { variantsByDistance } from './variant-order.ts';
import { type VariantSecrets, variantSecrets } from './variant-secrets.ts';
import type { DeclareVariants, PageVariants, VariantValue } from './variant-types.ts';

/** Options of {@link createVariants}. */
export interface VariantsOptions<C extends AnyConfig> extends VariantSecrets {
  /** The schema. */
  config: C;
  /** The function `flags` of `createNextConfig`, which evaluates flags for the visitor. */
  flags: NextConfig<C>['flags'];
}

const DEFAULT_MAX = 32;

/**
 * Returns a function that declares the flags of a page, so that the page is static and yet varies by flag: `proxy.ts`
 * puts a signed code of the visitor's values into the path, and the page reads them from there.
 *
 * @throws {OptionsError} unless `config` is a schema and `flags` a function.
 * @example
 * const variants = createVariants({ config, flags });
 * export const pricing = variants(['newCheckout', 'theme']);
 */
export function createVariants<C extends AnyConfig>(options: VariantsOptions<C>): DeclareVariants<C> {
  checkSchema(options.config);
  if (typeof options.flags !== 'function') {
    throw new OptionsError('flags', '"flags" must be the function that createNextConfig returned.');
  }
  const declare = (keys: readonly string[], given: Record<string, unknown> = {}): PageVariants<AnyConfig> => {
    checkKeys(options.config, keys, given);
    const entries = [...new Set(keys)]
      .sort()
      .map((key) => [key, possibleValues(options.config, key, given[key])] as const);
    return pageVariants(new Map(entries), options as unknown as VariantsOptions<AnyConfig>);
  };
  return declare as unknown as DeclareVariants<C>;
}

type PossibleValues = ReadonlyMap<string, readonly VariantValue[]>;

function pageVariants(
  possible: PossibleValues,
  { flags, ...secrets }: VariantsOptions<AnyConfig>,
): PageVariants<AnyConfig> {
  const keys = [...possible.keys()];
  // Names and not positions: the order of a declaration does not matter, and a code of other flags is not valid.
  const format = { binding: JSON.stringify([...possible]), length: keys.length };
  const decode = (code: string): number[] | undefined => {
    if (code === DEFAULT_CODE || keys.length === 0)
      return code === DEFAULT_CODE ? keys.map(() => 0) : undefined;
    return decodeVariant(code, format, variantSecrets(secrets));
  };
  const values = (code: string): Record<string, VariantValue> => {
    const positions = decode(code);
    return Object.fromEntries(
      keys.map((key, index) => [key, possible.get(key)?.[positions?.[index] ?? 0] ?? null]),
    );
  };
  return {
    code: async (context) => {
      if (keys.length === 0) return DEFAULT_CODE;
      const [secret] = variantSecrets(secrets);
      const positions = await visitorPositions(possible, flags, context);
      return encodeVariant(positions, format, secret);
    },
    accepts: (code) => decode(code) !== undefined,
    values,
    snapshot: (code) => snapshotOf(values(code)),
    generateVariants: ({ max = DEFAULT_MAX } = {}) => {
      if (!Number.isInteger(max) || max < 1) {
        throw new OptionsError('max', '"max" of generateVariants must be an integer of at least 1.');
      }
      const secret = keys.length === 0 ? '' : variantSecrets(secrets)[0];
      const codes: { variant: string }[] = [];
      for (const positions of variantsByDistance([...possible.values()].map(({ length }) => length))) {
        codes.push({ variant: encodeVariant(positions, format, secret) });
        if (codes.length === max) break;
      }
      return codes;
    },
  };
}

/** Without configuration, every flag has its default: the page is there, and other visitors have the same one. */
async function visitorPositions(
  possible: PossibleValues,
  flags: NextConfig<AnyConfig>['flags'],
  context: ConfigContext<AnyConfig> | undefined,
): Promise<number[]> {
  const keys = [...possible.keys()];
  let values: readonly unknown[] = [];
  try {
    values = await flags(keys, context);
  } catch (error) {
    // Next uses exceptions too, which must pass through.
    if (!isConfigError(error)) throw error;
    warnOnce('pages with variants are shown with the defaults of their flags.', error);
  }
  return keys.map((key, index) =>
    Math.max(0, possible.get(key)?.indexOf(values[index] as VariantValue) ?? 0),
  );
}

function snapshotOf(values: Record<string, VariantValue>): Snapshot {
  const flags: Snapshot['flags'] = {};
  for (const [key, value] of Object.entries(values)) flags[key] = { value, source: 'default' };
  // A revision from before all others: each event of the stream replaces it.
  return { revision: '0', public: {}, flags, limits: {} };
}

function checkKeys(config: AnyConfig, keys: readonly FlagKey<AnyConfig>[], given: object): void {
  if (!Array.isArray(keys)) {
    throw new OptionsError('keys', "variants: pass an array of names: variants(['name']).");
  }
  const wrong = keys.find((key) => config.keys.get(key)?.tier !== 'feature_flag');
  if (wrong !== undefined) {
    throw new OptionsError('keys', `variants: ${JSON.stringify(wrong)} is not a flag in the schema.`);
  }
  if (keys.length > CODE_LIMITS.keys) {
    throw new OptionsError(
      'keys',
      `variants: a page can depend on at most ${CODE_LIMITS.keys} flags, not ${keys.length}.`,
    );
  }
  const other = Object.keys(given).find((key) => !keys.includes(key));
  if (other === undefined) return;
  throw new OptionsError(
    'possibleValues',
    `variants: there are possible values of ${JSON.stringify(other)}, which is not in the array of names.`,
  );
}
