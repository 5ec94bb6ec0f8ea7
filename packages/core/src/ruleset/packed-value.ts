import { isTargeted } from '../evaluation/evaluate.ts';
import { isExactJson, sameJson } from '../lib/json.ts';
import type { JsonValue, Tier } from '../wire.ts';

/** Names that most cohorts hold. */
const NAMES = [
  '$cohort',
  'rules',
  'id',
  'when',
  'attribute',
  'op',
  'values',
  'value',
  'rollout',
  'variants',
  'weight',
  'defaultValue',
  'segment',
  'all',
  'any',
  'not',
  'bucketBy',
  'salt',
  'ignoreCase',
] as const;

// JSON text holds no control character as it is: in strings they are escaped.
const CODES = new Map(NAMES.map((name, index) => [`"${name}":`, String.fromCharCode(index + 1)]));
const MEANINGS = new Map([...CODES].map(([name, code]) => [code, name]));
const ANY_NAME = new RegExp(NAMES.map((name) => `"${name.replace('$', '\\$')}":`).join('|'), 'g');
const ANY_CODE = new RegExp(`[${[...MEANINGS.keys()].join('')}]`, 'g');

/**
 * A targeted value as JSON text, in which the names of cohorts take one character each. That is a fifth of what the parsed
 * value takes, and most processes read few of their flags.
 */
export class PackedValue {
  readonly #text: string;

  constructor(value: JsonValue) {
    this.#text = JSON.stringify(value).replace(ANY_NAME, (name) => CODES.get(name) ?? name);
  }

  /** The value, parsed anew each time. */
  parse(): JsonValue {
    return JSON.parse(this.#text.replace(ANY_CODE, (code) => MEANINGS.get(code) ?? code)) as JsonValue;
  }

  /** Whether the other is the same text; another text may still be the same value. */
  hasSameText(other: PackedValue): boolean {
    return this.#text === other.#text;
  }
}

/** What is stored for a key. */
export type StoredValue = JsonValue | PackedValue;

/** Puts the targeted value of a flag or limit to rest; all else, and what JSON text would not give back, stays as it is. */
export function packTargeted(tier: Tier, value: JsonValue): StoredValue {
  const isTargetable = tier === 'feature_flag' || tier === 'limit';
  return isTargetable && isTargeted(value) && isExactJson(value) ? new PackedValue(value) : value;
}

/** The value as JSON; of one at rest it is made anew each time. */
export function storedJson(stored: StoredValue): JsonValue {
  return stored instanceof PackedValue ? stored.parse() : stored;
}

/** Whether two stored values are the same, the order of an object's names aside. */
export function sameStored(left: StoredValue | undefined, right: StoredValue | undefined): boolean {
  if (left === right) return true;
  if (left === undefined || right === undefined) return false;
  const areAtRest = left instanceof PackedValue && right instanceof PackedValue;
  return (areAtRest && left.hasSameText(right)) || sameJson(storedJson(left), storedJson(right));
}
