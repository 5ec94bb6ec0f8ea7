import { frozenCopy } from '../lib/frozen-copy.ts';
import { isJson } from '../lib/json.ts';
import type { JsonValue } from '../wire.ts';
import type { KeyDefinition } from './config-types.ts';
import { inputJsonSchemaIfAny } from './json-schema-input.ts';
import { validateSync } from './standard-schema.ts';

/** What a browser gets in place of one key's parsed values that JSON cannot carry. */
interface Substitutes {
  readonly objects: WeakMap<object, JsonValue>;
  /** Bigints and numbers that are not finite; a weak map cannot hold them. */
  readonly primitives: Map<unknown, JsonValue>;
}

/** Far more than one key has in use at a time. */
const MAX_PRIMITIVES = 1_000;

const substitutes = new WeakMap<KeyDefinition, Substitutes>();

/**
 * Remembers what a browser gets for a parsed value that JSON cannot carry, such as a Date or URL: the stored value or,
 * if nothing is stored, the default in the JSON Schema. Called once per value, when it is parsed.
 */
export function noteBrowserValue(definition: KeyDefinition, parsed: unknown, stored: unknown): void {
  if (definition.tier === 'secret' || isJson(parsed)) return;
  const substitute = frozenCopy(stored === undefined ? defaultInput(definition) : stored);
  if (!isJson(substitute)) return;
  const known = substitutes.get(definition) ?? { objects: new WeakMap(), primitives: new Map() };
  substitutes.set(definition, known);
  if (isObject(parsed)) {
    known.objects.set(parsed, substitute);
    return;
  }
  known.primitives.set(parsed, substitute);
  const [oldest] = known.primitives.keys();
  if (known.primitives.size > MAX_PRIMITIVES) known.primitives.delete(oldest);
}

/** The value for a browser: the parsed one if it is JSON, else the stored one; undefined if neither is. */
export function browserValue(definition: KeyDefinition, parsed: unknown): JsonValue | undefined {
  const known = substitutes.get(definition);
  const substitute = isObject(parsed) ? known?.objects.get(parsed) : known?.primitives.get(parsed);
  if (substitute !== undefined) return substitute;
  return isJson(parsed) ? parsed : undefined;
}

/** The default of the JSON Schema, if the validator transforms it into something that is not JSON either. */
function defaultInput({ validator }: KeyDefinition): JsonValue | undefined {
  const input = validator && inputJsonSchemaIfAny(validator)?.default;
  if (validator === undefined || input === undefined) return undefined;
  // A library may write a default that JSON does not have, such as Infinity, as null.
  const result = validateSync(validator, input);
  const isSource = typeof result === 'object' && result.issues === undefined && !isJson(result.value);
  return isSource ? input : undefined;
}

/** Whether a value can be a key of a weak map. */
function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
