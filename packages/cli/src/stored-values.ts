import { type Condition, type JsonValue, TIERS, type Tier } from '@smooai/config';
import type { ConfigApi } from '@smooai/config/server';
import type { CatalogKey } from './catalog.ts';

/** The stored values that an environment serves: its own, and those it inherits from its fallbacks. */
export interface StoredValues {
  environment: string;
  /** Undefined if the server does not offer rulesets. */
  revision: string | undefined;
  segments: Readonly<Record<string, Condition>>;
  get(key: Pick<CatalogKey, 'key' | 'tier'>): JsonValue | undefined;
  /** Every stored value, also of keys that no schema declares any more. */
  entries(): { tier: Tier; key: string; value: JsonValue }[];
}

/**
 * Reads all values of an environment, targeting included. A server that only has the published contract returns each
 * value as it evaluates for the empty context.
 */
export async function readStoredValues(
  api: ConfigApi,
  environment: string,
  catalog: readonly CatalogKey[],
): Promise<StoredValues> {
  const answer = await api.getRuleset(environment);
  if (answer.status === 'changed') {
    const { ruleset } = answer;
    const entries = TIERS.flatMap(({ tier, ruleset: property }) =>
      Object.entries(ruleset[property]).map(([key, value]) => ({ tier, key, value })),
    );
    return storedValues(environment, entries, { revision: ruleset.revision, segments: ruleset.segments });
  }
  const values = await api.listValues(environment);
  const entries = catalog.flatMap(({ tier, key }) => {
    const value = Object.hasOwn(values, key) ? values[key] : undefined;
    return value === undefined ? [] : [{ tier, key, value }];
  });
  return storedValues(environment, entries, { revision: undefined, segments: {} });
}

function storedValues(
  environment: string,
  entries: { tier: Tier; key: string; value: JsonValue }[],
  properties: Pick<StoredValues, 'revision' | 'segments'>,
): StoredValues {
  const byName = new Map(entries.map((entry) => [`${entry.tier}.${entry.key}`, entry.value]));
  return {
    environment,
    ...properties,
    get: ({ tier, key }) => byName.get(`${tier}.${key}`),
    entries: () => entries,
  };
}

/** The default in a key's schema. Undefined if it has none, and always for a secret. */
export function defaultOf(key: CatalogKey): JsonValue | undefined {
  return key.tier === 'secret' ? undefined : key.jsonSchema.default;
}
