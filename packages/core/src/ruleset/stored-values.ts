import { TIERS, type TierNames } from '../tiers.ts';
import type { Condition, JsonValue, Ruleset, RulesetPatch, Tier } from '../wire.ts';
import { packTargeted, type StoredValue, sameStored, storedJson } from './packed-value.ts';

/** The values of a ruleset by tier. */
export type ValueGroups = Pick<Ruleset, TierNames['ruleset']>;

type ReadonlyValueGroups = Readonly<Record<TierNames['ruleset'], Readonly<Record<string, JsonValue>>>>;

/** The stored values of one origin; those that are targeted rest until they are read. */
export class StoredValues {
  readonly #groups: ReadonlyMap<Tier, Map<string, StoredValue>>;

  /** @param known - what is the same there is taken from there, so that it is held once. */
  constructor(values: ReadonlyValueGroups, known?: StoredValues) {
    this.#groups = new Map(TIERS.map(({ tier }) => [tier, new Map<string, StoredValue>()]));
    for (const { tier, ruleset } of TIERS) {
      for (const [key, value] of Object.entries(values[ruleset])) {
        this.#put(tier, key, { value, before: known?.get(tier, key) });
      }
    }
  }

  /** A key's value; undefined where it has none. */
  get(tier: Tier, key: string): StoredValue | undefined {
    return this.#groups.get(tier)?.get(key);
  }

  /** Writes the values of a patch; answers the keys that it names. */
  write(patch: RulesetPatch): Set<string> {
    const changed = new Set<string>();
    for (const change of patch.changes) {
      if ('segments' in change) continue;
      const { tier, key } = change;
      if ('deleted' in change) this.#groups.get(tier)?.delete(key);
      else this.#put(tier, key, { value: change.value, before: this.get(tier, key) });
      changed.add(key);
    }
    return changed;
  }

  /** All values as JSON. */
  toJson(): ValueGroups {
    const groups: ValueGroups = { public: {}, secret: {}, flags: {}, limits: {} };
    for (const { tier, ruleset } of TIERS) {
      const entries = [...(this.#groups.get(tier) ?? [])];
      // fromEntries defines properties, so that no name reaches a prototype.
      groups[ruleset] = Object.fromEntries(entries.map(([key, stored]) => [key, storedJson(stored)]));
    }
    return groups;
  }

  #put(
    tier: Tier,
    key: string,
    { value, before }: { value: JsonValue; before: StoredValue | undefined },
  ): void {
    const stored = packTargeted(tier, value);
    this.#groups.get(tier)?.set(key, before !== undefined && sameStored(before, stored) ? before : stored);
  }
}

/** A ruleset with its values at rest. */
export interface StoredRuleset {
  revision: string;
  epoch: string | undefined;
  readonly environment: string;
  readonly values: StoredValues;
  segments: Record<string, Condition>;
}
