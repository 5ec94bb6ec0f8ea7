import { isJson } from '../lib/json.ts';
import type { JsonValue } from '../wire.ts';
import type { KeyDefinition } from './config-types.ts';
import { inputJsonSchema } from './json-schema-input.ts';
import { hasJsonSchema } from './standard-schema.ts';

/** What stands for the values of one key that JSON cannot carry. */
interface Substitutes {
  readonly objects: WeakMap<object, JsonValue>;
  /** Numbers that are not finite and bigints, which a weak map cannot hold. */
  readonly primitives: Map<unknown, JsonValue>;
}

/** More primitives of one key than are in use at a time. */
const MOST_PRIMITIVES = 1_000;

const substitutes = new WeakMap<KeyDefinition, Substitutes>();

/**
 * Notes what a browser gets for a value that a validator made and JSON cannot carry, such as a Date or URL: what was
 * stored, or the default that the JSON Schema names where nothing was. Called once a value, when it is parsed.
 */
export function noteBrowserValue(definition: KeyDefinition, made: unknown, stored: unknown): void {
  if (definition.tier === 'secret' || isJson(made)) return;
  const substitute = stored === undefined ? defaultInput(definition) : stored;
  if (!isJson(substitute)) return;
  const known = substitutes.get(definition) ?? { objects: new WeakMap(), primitives: new Map() };
  substitutes.set(definition, known);
  if (isObject(made)) {
    known.objects.set(made, substitute);
    return;
  }
  known.primitives.set(made, substitute);
  const [oldest] = known.primitives.keys();
  if (known.primitives.size > MOST_PRIMITIVES) known.primitives.delete(oldest);
}

/** The value as a browser gets it: itself where it is JSON, else what was stored; undefined where neither is. */
export function browserValue(definition: KeyDefinition, value: unknown): JsonValue | undefined {
  const known = substitutes.get(definition);
  const substitute = isObject(value) ? known?.objects.get(value) : known?.primitives.get(value);
  if (substitute !== undefined) return substitute;
  return isJson(value) ? value : undefined;
}

function defaultInput({ validator }: KeyDefinition): JsonValue | undefined {
  if (validator === undefined || !hasJsonSchema(validator)) return undefined;
  try {
    return inputJsonSchema(validator).default;
  } catch {
    // It has no JSON Schema; `toJsonSchema` says so where that matters.
    return undefined;
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
