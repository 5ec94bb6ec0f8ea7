import type { InvalidKey } from '../errors.ts';
import { touchedSegments } from '../evaluation/check/segment-changes.ts';
import { CompiledSegments } from '../evaluation/compiled-segments.ts';
import { type Explanation, explain } from '../evaluation/explain/explain.ts';
import { callGuarded } from '../lib/guarded-call.ts';
import type { AnyConfig, KeyDefinition } from '../schema/config-types.ts';
import type { ParseResult } from '../schema/parse-value.ts';
import { isTargetable, tierNames } from '../tiers.ts';
import type { EvaluationContext, JsonValue, Ruleset, RulesetPatch, Segments } from '../wire.ts';
import {
  type CompiledKey,
  type CompileScope,
  compileKey,
  defaultOf,
  type Fallback,
  parseStored,
} from './compiled-key.ts';
import { type StoredValue, sameStored, unpack } from './packed-value.ts';
import { judgePatch, RulesetOrder } from './ruleset-order.ts';
import type { ReadonlyValueGroups, StoredRuleset } from './stored-values.ts';
import type { Layer, LayerValues, ValueOrigin } from './value-layers.ts';
import { ValueLayers } from './value-layers.ts';

/** A change that was applied as a whole. */
export interface ClientChange {
  revision: string;
  /** Keys whose stored value changed, or that depend on a segment that changed. */
  keys: readonly string[];
}

/** An update of a store, as its listeners get it. `keys` is empty if the server has only confirmed its values. */
export interface StoreChange extends ClientChange {
  /** Whether the server sent it. */
  readonly isLive: boolean;
}

const NO_SEGMENTS: ReadonlySet<string> = new Set();

/** The values of an origin as they arrived, before they were packed. */
interface ArrivedValues {
  readonly layer: Layer;
  readonly values: ReadonlyValueGroups;
}

/**
 * Holds the values of one environment, compiled and validated: the server's newest ruleset, layered with the values of
 * better and worse origins. Ignores older revisions. Applies a change as a whole before it calls a listener.
 */
export class RulesetStore {
  readonly #config: AnyConfig;
  /** Filled on demand. */
  readonly #defaults = new Map<string, ParseResult>();
  readonly #listeners = new Set<(change: StoreChange) => unknown>();
  readonly #onListenerError: (error: unknown) => void;
  readonly #order = new RulesetOrder();
  readonly #layers = new ValueLayers();
  #segments: CompiledSegments = new CompiledSegments({});
  #segmentsGiven: Segments = {};
  readonly #compiled = new Map<string, CompiledKey>();
  readonly #invalid = new Map<string, InvalidKey>();
  /** For each invalid key, the last valid value from the server or its disk copy. */
  readonly #lastValid = new Map<string, StoredValue>();
  readonly #scope: CompileScope = {
    conditions: { compile: (condition) => this.#segments.compile(condition) },
    fallbackOf: (definition, above) => this.#fallbackOf(definition, above),
  };
  /** Changes that listeners have not been called with yet. */
  readonly #pending: StoreChange[] = [];
  #isNotifying = false;
  /** Before it is complete, a key without a value may still get one; afterwards it is missing. */
  #isComplete = false;

  constructor(config: AnyConfig, onListenerError: (error: unknown) => void = () => undefined) {
    this.#config = config;
    this.#onListenerError = onListenerError;
  }

  /** The server's newest ruleset, else its disk copy. Do not keep it: a patch changes it in place. */
  get ruleset(): StoredRuleset | undefined {
    return this.#layers.ruleset;
  }

  /** The newest ruleset that came from the server itself. Do not keep it: a patch changes it in place. */
  get live(): StoredRuleset | undefined {
    return this.#layers.server;
  }

  /** The best origin that a client can start from without the server. */
  get offline(): 'cache' | 'file' | undefined {
    return this.#layers.offline;
  }

  /** The compiled value of a key; undefined if it has not arrived yet, or if the schema does not declare the key. */
  get(key: string): CompiledKey | undefined {
    return this.#compiled.get(key);
  }

  /** The schema's default for a key; undefined if the schema does not declare the key. */
  defaultOf(key: string): ParseResult | undefined {
    const definition = this.#config.keys.get(key);
    return definition && this.#default(definition);
  }

  /** Where the value that is served now comes from. */
  originOf(key: string): ValueOrigin {
    return this.#compiled.get(key)?.origin ?? (this.defaultOf(key)?.ok === true ? 'default' : 'none');
  }

  /** Keys whose newest value the schema rejects, and required keys without a value. */
  invalidKeys(): InvalidKey[] {
    return [...this.#invalid.values()];
  }

  /** Applies a whole ruleset, unless it is older than the current one or of an epoch that was replaced recently. */
  replace(ruleset: Ruleset): void {
    const previous = this.#layers.server;
    if (!this.#order.accept(ruleset, previous)) return;
    this.#layers.setServer(ruleset, ruleset.epoch ?? previous?.epoch);
    this.#isComplete = true;
    this.#publish(this.#compileAll({ layer: 'server', values: ruleset }), true);
  }

  /** Applies patches as one change, up to the first that does not follow on the ruleset as it is then. */
  patch(patches: RulesetPatch | readonly RulesetPatch[]): void {
    const affected = this.#applyPatches([patches].flat());
    if (affected === undefined) return;
    const changedSegments = this.#applySegments();
    if (changedSegments.size > 0) {
      for (const [key, compiled] of this.#compiled) if (compiled.usesAny(changedSegments)) affected.add(key);
    }
    this.#publish(this.#compile(declared(this.#config, affected), changedSegments), true);
  }

  /** Sets the values of environment variables. Call it before the first ruleset. */
  setEnvironment(values: LayerValues | undefined): void {
    this.#layers.setEnvironment(values);
    this.#publish(this.#compileAll(values && { layer: 'environment', values }));
  }

  /** Sets the bundled values, which with `isFirst` replace all others. Call it before the first ruleset. */
  setFile(values: LayerValues, options: { isFirst?: boolean } = {}): void {
    this.#layers.setFile(values, options);
    this.#publish(this.#compileAll({ layer: 'file', values }));
  }

  /** Applies the disk copy, unless the server has already sent its values. */
  setCache(ruleset: Ruleset): void {
    if (this.#layers.server !== undefined) return;
    this.#layers.setCache(ruleset);
    this.#publish(this.#compileAll({ layer: 'cache', values: ruleset }));
  }

  /** No ruleset is coming for now: from here on, a required key without a value is missing. */
  complete(): void {
    if (this.#isComplete) return;
    this.#isComplete = true;
    this.#publish(this.#compileAll());
  }

  /** The server's newest ruleset, with each value that the schema rejects replaced by the last valid one. */
  lastGood(): Ruleset | undefined {
    const ruleset = this.#layers.serverJson();
    if (ruleset === undefined) return undefined;
    for (const key of this.#invalid.keys()) {
      const compiled = this.#compiled.get(key);
      if (compiled === undefined) continue;
      const values = ruleset[tierNames(compiled.tier).ruleset];
      const last = this.#lastValid.get(key);
      if (last === undefined) delete values[key];
      else values[key] = unpack(last);
    }
    return ruleset;
  }

  /** Explains an evaluation, before the schema checks the value; undefined if nothing is stored for the key. */
  explain(key: string, context: EvaluationContext): Explanation | undefined {
    const compiled = this.#compiled.get(key);
    if (compiled?.stored === undefined || !isTargetable(compiled.tier)) return undefined;
    return explain(key, unpack(compiled.stored), context, this.#segments);
  }

  /** Calls `listener` after each update. Returns an unsubscribe function. */
  subscribe(listener: (change: StoreChange) => unknown): () => void {
    // Wrapped, so that a function that is subscribed twice is called twice, and each subscription ends on its own.
    const entry = (change: StoreChange): unknown => listener(change);
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  /** Returns the keys that the patches name; undefined if none was applied. */
  #applyPatches(patches: readonly RulesetPatch[]): Set<string> | undefined {
    let affected: Set<string> | undefined;
    for (const patch of patches) {
      const { server } = this.#layers;
      const verdict = server === undefined ? 'gap' : judgePatch(patch, server);
      if (verdict === 'gap') break;
      if (verdict === 'seen') continue;
      affected ??= new Set();
      for (const key of this.#layers.patchServer(patch)) affected.add(key);
    }
    return affected;
  }

  #compileAll(arrived?: ArrivedValues): string[] {
    return this.#compile(this.#config.keys.values(), this.#applySegments(), arrived);
  }

  /**
   * Compiles the keys that changed, and stores the results only when all are compiled.
   * @returns the keys that may now read differently.
   */
  #compile(
    definitions: Iterable<KeyDefinition>,
    changedSegments: ReadonlySet<string>,
    arrived?: ArrivedValues,
  ): string[] {
    const results: { key: string; compiled: CompiledKey | undefined; origin: ValueOrigin }[] = [];
    const keys: string[] = [];
    for (const definition of definitions) {
      const { key } = definition;
      const { stored, layer } = this.#layers.pick(definition);
      const previous = this.#compiled.get(key);
      const isSame =
        previous !== undefined && sameStored(previous.stored, stored) && !previous.usesAny(changedSegments);
      if (isSame && previous.serves === 'stored') {
        results.push({ key, compiled: previous, origin: layer ?? 'none' });
      } else if (stored === undefined && !this.#isComplete) {
        if (previous !== undefined) results.push({ key, compiled: undefined, origin: 'none' });
      } else if (!isSame || previous.serves !== 'previous') {
        const json =
          layer !== undefined && layer === arrived?.layer ? arrivedJson(arrived, definition) : undefined;
        const compiled = compileKey(definition, { stored, json, layer, scope: this.#scope, previous });
        if (isSame && compiled.origin === previous?.origin) continue;
        results.push({ key, compiled, origin: compiled.origin });
        if (!isSame) keys.push(key);
      }
    }
    for (const { key, compiled, origin } of results) this.#put(key, compiled, origin);
    return keys;
  }

  #put(key: string, compiled: CompiledKey | undefined, origin: ValueOrigin): void {
    const previous = this.#compiled.get(key);
    if (this.#invalid.size > 0) this.#invalid.delete(key);
    if (compiled === undefined) {
      this.#compiled.delete(key);
      return;
    }
    if (compiled.invalid === undefined) {
      if (this.#lastValid.size > 0) this.#lastValid.delete(key);
    } else {
      this.#invalid.set(key, compiled.invalid);
      const isOfServer = previous?.origin === 'server' || previous?.origin === 'cache';
      const isGood = previous?.invalid === undefined && isOfServer;
      if (isGood && previous.stored !== undefined) this.#lastValid.set(key, previous.stored);
    }
    compiled.origin = origin;
    this.#compiled.set(key, compiled);
  }

  /** The value used in place of a rejected one: a bundled value that is not targeted, else the schema's default. */
  #fallbackOf(definition: KeyDefinition, above: ValueOrigin | undefined): Fallback {
    const bundled = this.#layers.bundled(definition, above);
    const parsedBundled = bundled === undefined ? undefined : parseStored(definition, bundled);
    if (parsedBundled?.ok === true) return { parsed: parsedBundled, origin: 'file' };
    const parsed = this.#default(definition);
    return { parsed, origin: parsed.ok ? 'default' : 'none' };
  }

  #default(definition: KeyDefinition): ParseResult {
    let parsed = this.#defaults.get(definition.key);
    if (parsed === undefined) {
      parsed = defaultOf(definition);
      this.#defaults.set(definition.key, parsed);
    }
    return parsed;
  }

  /** Compiles the segments in force, and returns the names of those that may now match differently. */
  #applySegments(): ReadonlySet<string> {
    const { segments } = this.#layers;
    if (segments === this.#segmentsGiven) return NO_SEGMENTS;
    const changed = touchedSegments(this.#segmentsGiven, segments);
    this.#segments = this.#segments.replaced(segments, changed);
    this.#segmentsGiven = segments;
    return changed;
  }

  #publish(keys: readonly string[], isLive = false): void {
    if (keys.length === 0 && !isLive) return;
    this.#pending.push({ revision: this.ruleset?.revision ?? '0', keys, isLive });
    // If a listener causes another change, that one waits until every listener was called with this one.
    if (!this.#isNotifying) this.#notifyAll();
  }

  #notifyAll(): void {
    this.#isNotifying = true;
    for (let change = this.#pending.shift(); change !== undefined; change = this.#pending.shift()) {
      for (const listener of [...this.#listeners]) {
        // An earlier listener may have unsubscribed it. An error in one listener must not keep the others from the
        // change.
        if (this.#listeners.has(listener)) callGuarded(() => listener(change), this.#onListenerError);
      }
    }
    this.#isNotifying = false;
  }
}

function declared(config: AnyConfig, keys: Iterable<string>): KeyDefinition[] {
  return [...keys].map((key) => config.keys.get(key)).filter((definition) => definition !== undefined);
}

function arrivedJson({ values }: ArrivedValues, { tier, key }: KeyDefinition): JsonValue | undefined {
  const group = values[tierNames(tier).ruleset];
  return Object.hasOwn(group, key) ? group[key] : undefined;
}
