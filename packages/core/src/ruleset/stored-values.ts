import { TIERS, type TierNames } from '../tiers.ts';
import type { Condition, JsonValue, Ruleset, RulesetPatch, Tier } from '../wire.ts';
import { packTargeted, type StoredValue, sameStored, unpack } from './packed-value.ts';
import type { ValueLayouts } from './value-layout.ts';

/** The values of a ruleset by tier. */
export type ValueGroups = Pick<Ruleset, TierNames['ruleset']>;

/** As {@link ValueGroups}, of an origin that must not be changed. */
export type ReadonlyValueGroups = Readonly<Record<TierNames['ruleset'], Readonly<Record<string, JsonValue>>>>;

/** The stored values of one origin. Targeted values are packed. */
export class StoredValues {
  readonly #groups: ReadonlyMap<Tier, Map<string, StoredValue>>;

  readonly #layouts: ValueLayouts;

  /** @param known - values that are equal to one of these share its memory. */
  constructor(values: ReadonlyValueGroups, layouts: ValueLayouts, known?: StoredValues) {
    this.#layouts = layouts;
    this.#groups = new Map(TIERS.map(({ tier }) => [tier, new Map<string, StoredValue>()]));
    for (const { tier, ruleset } of TIERS) {
      const group = values[ruleset];
      for (const key of Object.keys(group)) {
        // `Object.keys` returns own properties only, so the value exists.
        this.#put(tier, key, { value: group[key] as JsonValue, known: known?.get(tier, key) });
      }
    }
  }

  get(tier: Tier, key: string): StoredValue | undefined {
    return this.#groups.get(tier)?.get(key);
  }

  /** Applies the values of a patch and returns the keys that it names. */
  write(patch: RulesetPatch): Set<string> {
    const changed = new Set<string>();
    for (const change of patch.changes) {
      if ('segments' in change) continue;
      const { tier, key } = change;
      if ('deleted' in change) this.#groups.get(tier)?.delete(key);
      else this.#put(tier, key, { value: change.value, known: this.get(tier, key) });
      changed.add(key);
    }
    return changed;
  }

  /** All values as JSON. */
  toJson(): ValueGroups {
    const groups: ValueGroups = { public: {}, secret: {}, flags: {}, limits: {} };
    for (const { tier, ruleset } of TIERS) {
      const entries = [...(this.#groups.get(tier) ?? [])];
      // Object.fromEntries defines own properties, so a key such as "__proto__" cannot reach a prototype.
      groups[ruleset] = Object.fromEntries(entries.map(([key, stored]) => [key, unpack(stored)]));
    }
    return groups;
  }

  #put(
    tier: Tier,
    key: string,
    { value, known }: { value: JsonValue; known: StoredValue | undefined },
  ): void {
    const stored = packTargeted(tier, value, this.#layouts);
    this.#groups.get(tier)?.set(key, known !== undefined && sameStored(known, stored) ? known : stored);
  }
}

/** A ruleset whose targeted values are packed. */
export interface StoredRuleset {
  revision: string;
  epoch: string | undefined;
  readonly environment: string;
  readonly values: StoredValues;
  segments: Record<string, Condition>;
}
