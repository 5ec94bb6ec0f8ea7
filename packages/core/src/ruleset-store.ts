import { type CompiledKey, compileKey, defaultOf, type Slot } from './compiled-key.ts';
import { CompiledSegments } from './compiled-segments.ts';
import type { InvalidKey } from './errors.ts';
import { type Explanation, explain } from './explain.ts';
import { judgePatch, RulesetOrder } from './ruleset-order.ts';
import { sameJson } from './same-json.ts';
import type { AnyConfig, KeyDefinition } from './schema.ts';
import { touchedSegments } from './segment-changes.ts';
import { TIERS, tierNames } from './tiers.ts';
import type { EvaluationContext, JsonValue, Ruleset, RulesetPatch, Tier } from './wire.ts';

/** A change that was applied as a whole. */
export interface ConfigChange {
  revision: string;
  /** Keys whose stored value changed, or whose answers may have, by a segment. */
  keys: readonly string[];
}

/**
 * Holds the newest ruleset of one environment, compiled and validated. Older revisions are ignored; a change is
 * applied as a whole before anyone hears of it.
 */
export class RulesetStore {
  readonly #config: AnyConfig;
  readonly #defaults = new Map<string, Slot>();
  readonly #listeners = new Set<(change: ConfigChange) => void>();
  readonly #onListenerError: (error: unknown) => void;
  readonly #order = new RulesetOrder();
  #ruleset: Ruleset | undefined;
  #segments: CompiledSegments = new CompiledSegments({});
  #compiled: ReadonlyMap<string, CompiledKey> = new Map();

  constructor(config: AnyConfig, onListenerError: (error: unknown) => void = () => undefined) {
    this.#config = config;
    this.#onListenerError = onListenerError;
    for (const definition of config.keys.values()) {
      this.#defaults.set(definition.key, defaultOf(definition));
    }
  }

  /** The newest ruleset as the server stores it; undefined before the first. */
  get ruleset(): Ruleset | undefined {
    return this.#ruleset;
  }

  /** The compiled value of a key; undefined before the first ruleset and for an undeclared key. */
  get(key: string): CompiledKey | undefined {
    return this.#compiled.get(key);
  }

  /** The schema's default of a key; undefined for an undeclared key. */
  defaultOf(key: string): Slot | undefined {
    return this.#defaults.get(key);
  }

  /** Keys whose newest stored value is refused by the schema, or that have none and need one. */
  invalidKeys(): InvalidKey[] {
    const invalid: InvalidKey[] = [];
    for (const compiled of this.#compiled.values()) {
      if (compiled.invalid !== undefined) invalid.push(compiled.invalid);
    }
    return invalid;
  }

  /** Takes a whole ruleset unless it is older than the one in hand, or of an epoch that was left; answers what changed. */
  replace(ruleset: Ruleset): ConfigChange | undefined {
    const previous = this.#ruleset;
    if (!this.#order.take(ruleset, previous)) return undefined;
    const epoch = ruleset.epoch ?? previous?.epoch;
    return this.#apply(epoch === undefined ? ruleset : { ...ruleset, epoch });
  }

  /** Takes a patch that follows on what is in hand, and no other; answers what changed. */
  patch(patch: RulesetPatch): ConfigChange | undefined {
    const previous = this.#ruleset;
    if (previous === undefined || judgePatch(patch, previous) !== 'next') return undefined;
    return this.#apply(patchedRuleset(previous, patch));
  }

  /** How a flag or limit comes to its answer before the schema looks at it; undefined where nothing is stored. */
  explain(key: string, context: EvaluationContext): Explanation | undefined {
    const compiled = this.#compiled.get(key);
    const isTargetable = compiled?.tier === 'feature_flag' || compiled?.tier === 'limit';
    if (!isTargetable || compiled.stored === undefined) return undefined;
    return explain(key, compiled.stored, context, this.#segments);
  }

  /** Calls `listener` after each change until the answered function is called. */
  subscribe(listener: (change: ConfigChange) => void): () => void {
    // A wrapper of its own, so that the same function subscribed twice is called twice and ends apart.
    const entry = (change: ConfigChange): void => listener(change);
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  #apply(ruleset: Ruleset): ConfigChange | undefined {
    const touched = touchedSegments(this.#ruleset?.segments ?? {}, ruleset.segments);
    const segments = this.#segments.replaced(ruleset.segments, touched);
    const compiled = new Map<string, CompiledKey>();
    const keys: string[] = [];
    for (const definition of this.#config.keys.values()) {
      const { key } = definition;
      const stored = storedValue(ruleset, definition.tier, key);
      const before = this.#compiled.get(key);
      if (before !== undefined && sameJson(before.stored, stored) && !before.usesAny(touched)) {
        compiled.set(key, before);
      } else {
        const fallback = this.#fallbackOf(definition);
        compiled.set(key, compileKey(definition, { stored, segments, fallback, before }));
        keys.push(key);
      }
    }
    this.#ruleset = ruleset;
    this.#segments = segments;
    this.#compiled = compiled;
    if (keys.length === 0) return undefined;
    const change: ConfigChange = { revision: ruleset.revision, keys };
    this.#notify(change);
    return change;
  }

  #fallbackOf(definition: KeyDefinition): Slot {
    return this.#defaults.get(definition.key) ?? defaultOf(definition);
  }

  #notify(change: ConfigChange): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(change);
      } catch (error) {
        // One reader's fault must not keep the change from the others.
        this.#onListenerError(error);
      }
    }
  }
}

function storedValue(ruleset: Ruleset, tier: Tier, key: string): JsonValue | undefined {
  const values = ruleset[tierNames(tier).ruleset];
  return Object.hasOwn(values, key) ? values[key] : undefined;
}

function patchedRuleset(previous: Ruleset, patch: RulesetPatch): Ruleset {
  const next: Ruleset = { ...previous, revision: patch.revision };
  for (const { ruleset } of TIERS) next[ruleset] = { ...previous[ruleset] };
  for (const change of patch.changes) {
    if ('segments' in change) {
      next.segments = change.segments;
      continue;
    }
    const values = next[tierNames(change.tier).ruleset];
    if ('deleted' in change) delete values[change.key];
    else values[change.key] = change.value;
  }
  return next;
}
