import { isTargeted } from './evaluate.ts';
import { type Layer, type LayerValues, storedIn, type ValueSource } from './layer-values.ts';
import type { KeyDefinition } from './schema.ts';
import type { JsonValue, Ruleset, Segments } from './wire.ts';

/** The stored values of every origin, the best first: variables, the server, its disk copy, bundled files. */
export class ValueLayers {
  #environment: LayerValues | undefined;
  #server: Ruleset | undefined;
  #cache: Ruleset | undefined;
  #file: LayerValues | undefined;

  /** The newest ruleset of the server. */
  get server(): Ruleset | undefined {
    return this.#server;
  }

  /** The newest ruleset that there is, be it the disk copy. */
  get ruleset(): Ruleset | undefined {
    return this.#server ?? this.#cache;
  }

  /** The best origin that a start without the server can go by. */
  get offline(): 'cache' | 'file' | undefined {
    if (this.#cache !== undefined) return 'cache';
    return this.#file === undefined ? undefined : 'file';
  }

  /** The segments in force: those of the server over the bundled ones. */
  get segments(): Segments {
    const given = this.ruleset?.segments ?? {};
    return this.#file === undefined ? given : { ...this.#file.segments, ...given };
  }

  setEnvironment(values: LayerValues | undefined): void {
    this.#environment = values;
  }

  setServer(ruleset: Ruleset): void {
    this.#server = ruleset;
    // The disk copy is what the server gave once: its newest word takes the place of the whole.
    this.#cache = undefined;
  }

  setCache(ruleset: Ruleset): void {
    this.#cache = ruleset;
  }

  setFile(values: LayerValues): void {
    this.#file = values;
  }

  /** The stored value of the best origin that has one. */
  pick(definition: KeyDefinition): { stored: JsonValue | undefined; layer: Layer | undefined } {
    const { tier, key } = definition;
    const inEnvironment = this.#environment && storedIn(this.#environment, tier, key);
    if (inEnvironment !== undefined) return { stored: inEnvironment, layer: 'environment' };
    const ruleset = this.ruleset;
    const stored = ruleset && storedIn(ruleset, tier, key);
    if (stored !== undefined) return { stored, layer: this.#server === undefined ? 'cache' : 'server' };
    const inFile = this.#file && storedIn(this.#file, tier, key);
    return { stored: inFile, layer: inFile === undefined ? undefined : 'file' };
  }

  /** What is bundled for a key below a better origin, where it is one value for all contexts. */
  bundled(definition: KeyDefinition, above: ValueSource | undefined): JsonValue | undefined {
    if (this.#file === undefined || above === 'file') return undefined;
    const stored = storedIn(this.#file, definition.tier, definition.key);
    return stored !== undefined && isTargeted(stored) ? undefined : stored;
  }
}
