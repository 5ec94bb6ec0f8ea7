import { type TIERS, tierNames } from '../tiers.ts';
import type { Condition, JsonValue, Tier } from '../wire.ts';

/** Stored values of one origin, as a ruleset holds them. What a value is not given in lacks the key. */
export interface LayerValues {
  readonly public: Readonly<Record<string, JsonValue>>;
  readonly secret: Readonly<Record<string, JsonValue>>;
  readonly flags: Readonly<Record<string, JsonValue>>;
  readonly limits: Readonly<Record<string, JsonValue>>;
  readonly segments: Readonly<Record<string, Condition>>;
}

/**
 * Where a key's value comes from, best first; a better one hides the others. `default` is the schema's, and `none`
 * says that there is no valid value at all.
 */
export type ValueSource = 'environment' | 'server' | 'cache' | 'file' | 'default' | 'none';

/** The origins of stored values. */
export type Layer = Exclude<ValueSource, 'default' | 'none'>;

/** {@link LayerValues} of entries; only the tiers that were given are walked. */
export function layerOf(
  entries: Iterable<readonly [tier: Tier, key: string, value: JsonValue]>,
  segments: Readonly<Record<string, Condition>> = {},
): LayerValues {
  const groups: Record<(typeof TIERS)[number]['ruleset'], [string, JsonValue][]> = {
    public: [],
    secret: [],
    flags: [],
    limits: [],
  };
  for (const [tier, key, value] of entries) groups[tierNames(tier).ruleset].push([key, value]);
  // fromEntries defines properties, so that no name reaches a prototype.
  return {
    public: Object.fromEntries(groups.public),
    secret: Object.fromEntries(groups.secret),
    flags: Object.fromEntries(groups.flags),
    limits: Object.fromEntries(groups.limits),
    segments,
  };
}
