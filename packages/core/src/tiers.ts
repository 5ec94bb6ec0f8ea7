import type { JsonSchema, Ruleset, SchemaDocument, Tier, WireSchema } from './wire.ts';

/** The names of one tier in different places. */
export interface TierNames {
  /** On the wire, in `tier`. */
  tier: Tier;
  /** In `defineConfig` and on the command line: `flags.newCheckout`. */
  group: 'public' | 'secrets' | 'flags' | 'limits';
  /** In a ruleset. */
  ruleset: 'public' | 'secret' | 'flags' | 'limits';
  /** In a schema document. */
  schema: keyof WireSchema['properties'];
  /** In a schema document of the platform's SDKs in other languages. */
  schemaAlias: 'public' | 'secret' | 'feature_flags' | 'limits';
  /** In messages to people. */
  label: string;
}

/** Every tier with all its names. */
export const TIERS: readonly TierNames[] = [
  {
    tier: 'public',
    group: 'public',
    ruleset: 'public',
    schema: 'publicConfigSchema',
    schemaAlias: 'public',
    label: 'public value',
  },
  {
    tier: 'secret',
    group: 'secrets',
    ruleset: 'secret',
    schema: 'secretConfigSchema',
    schemaAlias: 'secret',
    label: 'secret',
  },
  {
    tier: 'feature_flag',
    group: 'flags',
    ruleset: 'flags',
    schema: 'featureFlagSchema',
    schemaAlias: 'feature_flags',
    label: 'flag',
  },
  {
    tier: 'limit',
    group: 'limits',
    ruleset: 'limits',
    schema: 'limitsSchema',
    schemaAlias: 'limits',
    label: 'limit',
  },
] satisfies { ruleset: keyof Ruleset }[] & TierNames[];

/** The keys of a tier in a schema document, each with its JSON Schema. */
export function schemaKeysOf(
  document: SchemaDocument,
  names: TierNames,
): Readonly<Record<string, JsonSchema>> {
  const groups: Partial<SchemaDocument['properties']> = document.properties ?? {};
  return (groups[names.schema] ?? groups[names.schemaAlias])?.properties ?? {};
}

/** The names of a tier, by its name on the wire. */
export function tierNames(tier: Tier): TierNames {
  const names = TIERS.find((entry) => entry.tier === tier);
  if (names === undefined) throw new TypeError(`unknown tier ${JSON.stringify(tier)}`);
  return names;
}

/** Whether the values of a tier may be targeted: only flags and limits can differ by context. */
export function isTargetable(tier: Tier): tier is 'feature_flag' | 'limit' {
  return tier === 'feature_flag' || tier === 'limit';
}
