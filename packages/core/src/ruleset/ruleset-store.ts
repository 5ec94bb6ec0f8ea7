import type { InvalidKey } from '../errors.ts';
import { touchedSegments } from '../evaluation/check/segment-changes.ts';
import { CompiledSegments } from '../evaluation/compiled-segments.ts';
import { type Explanation, explain } from '../evaluation/explain/explain.ts';
import { callGuarded } from '../lib/guarded-call.ts';
import type { AnyConfig, KeyDefinition } from '../schema/config-types.ts';
import type { ParseResult } from '../schema/parse-value.ts';
import { tierNames } from '../tiers.ts';
import type { EvaluationContext, Ruleset, RulesetPatch, Segments } from '../wire.ts';
import {
  type CompiledKey,
  type CompileScope,
  compileKey,
  defaultOf,
  type Fallback,
  parseStored,
} from './compiled-key.ts';
import { type StoredValue, sameStored, storedJson } from './packed-value.ts';
import { judgePatch, RulesetOrder } from './ruleset-order.ts';
import type { StoredRuleset } from './stored-values.ts';
import type { LayerValues, ValueOrigin } from './value-layers.ts';
import { ValueLayers } from './value-layers.ts';

/** A change that was applied as a whole. */
export interface ConfigChange {
  revision: string;
  /** Keys whose stored value changed, or whose answers may have, by a segment. */
  keys: readonly string[];
}

const NO_SEGMENTS: ReadonlySet<string> = new Set();

/**
 * Holds the values of one environment, compiled and validated: the newest ruleset of the server, with what better and
 * worse origins have over and under it. Older revisions are ignored; a change is applied as a whole before anyone hears
 * of it.
 */
export class RulesetStore {
  readonly #config: AnyConfig;
  /** Those that were asked for. */
  readonly #defaults = new Map<string, ParseResult>();
  readonly #listeners = new Set<(change: ConfigChange) => unknown>();
  readonly #onListenerError: (error: unknown) => void;
  readonly #order = new RulesetOrder();
  readonly #layers = new ValueLayers();
  #segments: CompiledSegments = new CompiledSegments({});
  #segmentsGiven: Segments = {};
  readonly #compiled = new Map<string, CompiledKey>();
  readonly #invalid = new Map<string, InvalidKey>();
  /** The newest valid stored value of each invalid key that the server gave one, be it through the disk copy. */
  readonly #good = new Map<string, StoredValue>();
  readonly #scope: CompileScope = {
    conditions: { compile: (condition) => this.#segments.compile(condition) },
    fallbackOf: (definition, above) => this.#fallbackOf(definition, above),
  };
  readonly #untold: ConfigChange[] = [];
  #isTelling = false;
  /** Whether keys without any value are known to have none. */
  #isComplete = false;

  constructor(config: AnyConfig, onListenerError: (error: unknown) => void = () => undefined) {
    this.#config = config;
    this.#onListenerError = onListenerError;
  }

  /** The newest ruleset of the server, else the disk copy; undefined before the first. Not to be kept. */
  get ruleset(): StoredRuleset | undefined {
    return this.#layers.ruleset;
  }

  /** The newest ruleset that the server itself gave; undefined before it did. Not to be kept. */
  get live(): StoredRuleset | undefined {
    return this.#layers.server;
  }

  /** The best origin that a start without the server can go by. */
  get offline(): 'cache' | 'file' | undefined {
    return this.#layers.offline;
  }

  /** The compiled value of a key; undefined while it is not known, and for an undeclared key. */
  get(key: string): CompiledKey | undefined {
    return this.#compiled.get(key);
  }

  /** The schema's default of a key; undefined for an undeclared key. */
  defaultOf(key: string): ParseResult | undefined {
    const definition = this.#config.keys.get(key);
    return definition && this.#default(definition);
  }

  /** Where the value of a key comes from that is served now. */
  originOf(key: string): ValueOrigin {
    return this.#compiled.get(key)?.origin ?? (this.defaultOf(key)?.ok === true ? 'default' : 'none');
  }

  /** Keys whose newest stored value is refused by the schema, or that have none and need one. */
  invalidKeys(): InvalidKey[] {
    return [...this.#invalid.values()];
  }

  /**
   * Takes a whole ruleset unless it is older than the one in hand, or of an epoch that was left; answers what changed.
   * `onTaken` is called where it was taken, before anyone hears of a change.
   */
  replace(ruleset: Ruleset, onTaken?: () => void): ConfigChange | undefined {
    const previous = this.#layers.server;
    if (!this.#order.take(ruleset, previous)) return undefined;
    this.#layers.setServer(ruleset, ruleset.epoch ?? previous?.epoch);
    this.#isComplete = true;
    const keys = this.#compileAll();
    onTaken?.();
    return this.#applied(keys);
  }

  /** Takes a patch that follows on what is in hand, and no other; answers what changed, as {@link replace}. */
  patch(patch: RulesetPatch, onTaken?: () => void): ConfigChange | undefined {
    const { server } = this.#layers;
    if (server === undefined || judgePatch(patch, server) !== 'next') return undefined;
    const affected = this.#layers.patchServer(patch);
    const touched = this.#takeSegments();
    if (touched.size > 0) {
      for (const [key, compiled] of this.#compiled) if (compiled.usesAny(touched)) affected.add(key);
    }
    const keys = this.#compile(definitionsOf(this.#config, affected), touched);
    onTaken?.();
    return this.#applied(keys);
  }

  /** Sets what environment variables override; to be called before the first ruleset. */
  setEnvironment(values: LayerValues | undefined): ConfigChange | undefined {
    this.#layers.setEnvironment(values);
    return this.#applied(this.#compileAll());
  }

  /** Sets the bundled values; to be called before the first ruleset. */
  setFile(values: LayerValues): ConfigChange | undefined {
    this.#layers.setFile(values);
    return this.#applied(this.#compileAll());
  }

  /** Takes the disk copy, unless the server was heard of. */
  setCache(ruleset: Ruleset): ConfigChange | undefined {
    if (this.#layers.server !== undefined) return undefined;
    this.#layers.setCache(ruleset);
    return this.#applied(this.#compileAll());
  }

  /** Gives up waiting for a ruleset: a key without a value has none from now on. */
  complete(): void {
    if (this.#isComplete) return;
    this.#isComplete = true;
    this.#applied(this.#compileAll());
  }

  /** The newest ruleset of the server with each value that the schema refuses replaced by the last valid one. */
  lastGood(): Ruleset | undefined {
    const good = this.#layers.serverJson();
    if (good === undefined) return undefined;
    for (const key of this.#invalid.keys()) {
      const compiled = this.#compiled.get(key);
      if (compiled === undefined) continue;
      const values = good[tierNames(compiled.tier).ruleset];
      const last = this.#good.get(key);
      if (last === undefined) delete values[key];
      else values[key] = storedJson(last);
    }
    return good;
  }

  /** How a flag or limit comes to its answer before the schema looks at it; undefined where nothing is stored. */
  explain(key: string, context: EvaluationContext): Explanation | undefined {
    const compiled = this.#compiled.get(key);
    const isTargetable = compiled?.tier === 'feature_flag' || compiled?.tier === 'limit';
    if (!isTargetable || compiled.stored === undefined) return undefined;
    return explain(key, storedJson(compiled.stored), context, this.#segments);
  }

  /** Calls `listener` after each change until the answered function is called. */
  subscribe(listener: (change: ConfigChange) => unknown): () => void {
    // A wrapper of its own, so that the same function subscribed twice is called twice and ends apart.
    const entry = (change: ConfigChange): unknown => listener(change);
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  #compileAll(): string[] {
    return this.#compile(this.#config.keys.values(), this.#takeSegments());
  }

  /** Compiles what changed; nothing is put in place before everything is done. Answers the keys that may read otherwise. */
  #compile(definitions: Iterable<KeyDefinition>, touched: ReadonlySet<string>): string[] {
    const results: [key: string, compiled: CompiledKey | undefined, origin: ValueOrigin][] = [];
    const keys: string[] = [];
    for (const definition of definitions) {
      const { key } = definition;
      const { stored, layer } = this.#layers.pick(definition);
      const before = this.#compiled.get(key);
      const isSame = before !== undefined && sameStored(before.stored, stored) && !before.usesAny(touched);
      if (isSame && before.serves === 'stored') {
        results.push([key, before, layer ?? 'none']);
      } else if (stored === undefined && !this.#isComplete) {
        if (before !== undefined) results.push([key, undefined, 'none']);
      } else if (!isSame || before.serves !== 'before') {
        const compiled = compileKey(definition, { stored, layer, scope: this.#scope, before });
        if (isSame && compiled.origin === before?.origin) continue;
        results.push([key, compiled, compiled.origin]);
        if (!isSame) keys.push(key);
      }
    }
    for (const [key, compiled, origin] of results) this.#put(key, compiled, origin);
    return keys;
  }

  #put(key: string, compiled: CompiledKey | undefined, origin: ValueOrigin): void {
    const before = this.#compiled.get(key);
    this.#invalid.delete(key);
    if (compiled === undefined) {
      this.#compiled.delete(key);
      return;
    }
    if (compiled.invalid === undefined) {
      this.#good.delete(key);
    } else {
      this.#invalid.set(key, compiled.invalid);
      const isOfServer = before?.origin === 'server' || before?.origin === 'cache';
      const isGood = before?.invalid === undefined && isOfServer;
      if (isGood && before.stored !== undefined) this.#good.set(key, before.stored);
    }
    compiled.origin = origin;
    this.#compiled.set(key, compiled);
  }

  /** What stands in for a value that the schema refuses: a bundled one without targeting, else the default. */
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

  /** Compiles the segments that are in force now; answers those whose answers may differ from before. */
  #takeSegments(): ReadonlySet<string> {
    const { segments } = this.#layers;
    if (segments === this.#segmentsGiven) return NO_SEGMENTS;
    const touched = touchedSegments(this.#segmentsGiven, segments);
    this.#segments = this.#segments.replaced(segments, touched);
    this.#segmentsGiven = segments;
    return touched;
  }

  #applied(keys: readonly string[]): ConfigChange | undefined {
    if (keys.length === 0) return undefined;
    const change: ConfigChange = { revision: this.ruleset?.revision ?? '0', keys };
    this.#untold.push(change);
    // A change that a listener brings about is told once all have heard of the one before.
    if (!this.#isTelling) this.#tellAll();
    return change;
  }

  #tellAll(): void {
    this.#isTelling = true;
    for (let change = this.#untold.shift(); change !== undefined; change = this.#untold.shift()) {
      for (const listener of [...this.#listeners]) {
        // It may have been ended by one before it. One reader's fault must not keep the change from the others.
        if (this.#listeners.has(listener)) callGuarded(() => listener(change), this.#onListenerError);
      }
    }
    this.#isTelling = false;
  }
}

/** The declared keys among some. */
function definitionsOf(config: AnyConfig, keys: Iterable<string>): KeyDefinition[] {
  return [...keys].map((key) => config.keys.get(key)).filter((definition) => definition !== undefined);
}
