import { isTargeted } from '../evaluation/evaluate.ts';
import type { KeyDefinition } from '../schema/config-types.ts';
import { type TIERS, tierNames } from '../tiers.ts';
import type { Condition, JsonValue, Ruleset, RulesetPatch, Segments, Tier } from '../wire.ts';
import { PackedValue, type StoredValue } from './packed-value.ts';
import { type StoredRuleset, StoredValues } from './stored-values.ts';
import { ValueLayouts } from './value-layout.ts';

/** The stored values of one origin, grouped as in a ruleset. A group has only the keys that have a value there. */
export interface LayerValues {
  readonly public: Readonly<Record<string, JsonValue>>;
  readonly secret: Readonly<Record<string, JsonValue>>;
  readonly flags: Readonly<Record<string, JsonValue>>;
  readonly limits: Readonly<Record<string, JsonValue>>;
  readonly segments: Readonly<Record<string, Condition>>;
}

/**
 * Where the value of a key comes from, best first: an environment variable, the server, the disk copy of the server's
 * values, a bundled value, the schema's default. `none`: the key has no valid value.
 */
export type ValueOrigin = 'environment' | 'server' | 'cache' | 'file' | 'default' | 'none';

/** The origins of stored values. */
export type Layer = Exclude<ValueOrigin, 'default' | 'none'>;

/** Groups entries by tier. */
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
  // Object.fromEntries defines own properties, so a key such as "__proto__" cannot reach a prototype.
  return {
    public: Object.fromEntries(groups.public),
    secret: Object.fromEntries(groups.secret),
    flags: Object.fromEntries(groups.flags),
    limits: Object.fromEntries(groups.limits),
    segments,
  };
}

/** The stored values of every origin, best first: variables, the server, its disk copy, bundled values. */
export class ValueLayers {
  readonly #layouts = new ValueLayouts();
  #environment: StoredValues | undefined;
  #server: StoredRuleset | undefined;
  #cache: StoredRuleset | undefined;
  #file: StoredValues | undefined;
  /** Whether the bundled values are better than all others. */
  #isFileFirst = false;
  #fileSegments: Segments | undefined;

  /** The server's newest ruleset. */
  get server(): StoredRuleset | undefined {
    return this.#server;
  }

  /** The server's newest ruleset, else its disk copy. */
  get ruleset(): StoredRuleset | undefined {
    return this.#server ?? this.#cache;
  }

  /** The best origin that a client can start from without the server. */
  get offline(): 'cache' | 'file' | undefined {
    if (this.#cache !== undefined) return 'cache';
    return this.#file === undefined ? undefined : 'file';
  }

  /** The segments in force: the bundled ones, overridden by the server's. */
  get segments(): Segments {
    const given = this.ruleset?.segments ?? {};
    return this.#fileSegments === undefined ? given : { ...this.#fileSegments, ...given };
  }

  setEnvironment(values: LayerValues | undefined): void {
    this.#environment = values && new StoredValues(values, this.#layouts);
  }

  /** @param epoch - the epoch of the ruleset, which may not name it itself. */
  setServer(ruleset: Ruleset, epoch: string | undefined): void {
    this.#server = { ...this.#stored(ruleset), epoch };
    // The disk copy is an older state of the server. The newest one replaces it as a whole, deletions included.
    this.#cache = undefined;
  }

  /** Applies a patch to the server's ruleset and returns the keys that it names. */
  patchServer(patch: RulesetPatch): Set<string> {
    const server = this.#server;
    if (server === undefined) return new Set();
    server.revision = patch.revision;
    for (const change of patch.changes) if ('segments' in change) server.segments = change.segments;
    return server.values.write(patch);
  }

  /** The server's ruleset with all values as JSON. */
  serverJson(): Ruleset | undefined {
    if (this.#server === undefined) return undefined;
    const { revision, epoch, environment, segments, values } = this.#server;
    return { revision, ...(epoch !== undefined && { epoch }), environment, ...values.toJson(), segments };
  }

  setCache(ruleset: Ruleset): void {
    this.#cache = this.#stored(ruleset);
  }

  setFile(values: LayerValues, { isFirst = false }: { isFirst?: boolean } = {}): void {
    this.#isFileFirst = isFirst;
    this.#file = new StoredValues(values, this.#layouts);
    this.#fileSegments = values.segments;
  }

  /** The stored value of the best origin that has one. */
  pick({ tier, key }: KeyDefinition): { stored: StoredValue | undefined; layer: Layer | undefined } {
    const inFirst = this.#isFileFirst ? this.#file?.get(tier, key) : undefined;
    if (inFirst !== undefined) return { stored: inFirst, layer: 'file' };
    const inEnvironment = this.#environment?.get(tier, key);
    if (inEnvironment !== undefined) return { stored: inEnvironment, layer: 'environment' };
    const stored = this.ruleset?.values.get(tier, key);
    if (stored !== undefined) return { stored, layer: this.#server === undefined ? 'cache' : 'server' };
    const inFile = this.#file?.get(tier, key);
    return { stored: inFile, layer: inFile === undefined ? undefined : 'file' };
  }

  /** The bundled value of a key, if `above` is a better origin and the value is not targeted. */
  bundled({ tier, key }: KeyDefinition, above: ValueOrigin | undefined): JsonValue | undefined {
    if (above === 'file') return undefined;
    const stored = this.#file?.get(tier, key);
    return stored instanceof PackedValue || isTargeted(stored) ? undefined : stored;
  }

  #stored({ revision, epoch, environment, segments, ...values }: Ruleset): StoredRuleset {
    const known = this.ruleset?.values;
    return { revision, epoch, environment, segments, values: new StoredValues(values, this.#layouts, known) };
  }
}
