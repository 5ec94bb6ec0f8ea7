import { isTargeted } from '../evaluation/evaluate.ts';
import { sameJson } from '../lib/json.ts';
import { isTargetable } from '../tiers.ts';
import type { JsonValue, Tier } from '../wire.ts';
import { putTogether, type ValueLayout, type ValueLayouts } from './value-layout.ts';

/**
 * A targeted value in a compact form: a list of its scalars, and a layout that it shares with values of the same
 * structure. It takes less than a third of the memory of the parsed value, and most processes read few of their flags.
 */
export class PackedValue {
  readonly #layout: ValueLayout;
  readonly #scalars: readonly unknown[];

  constructor(value: JsonValue, layouts: ValueLayouts) {
    const { layout, scalars } = layouts.takeApart(value);
    this.#layout = layout;
    this.#scalars = scalars;
  }

  /** The value; each call makes a new object. */
  unpack(): JsonValue {
    // The parts are those of a JSON value.
    return putTogether({ layout: this.#layout, scalars: this.#scalars }) as JsonValue;
  }

  /** Whether the parts are the same. Values with different parts may still be equal. */
  hasSameParts(other: PackedValue): boolean {
    if (this.#layout !== other.#layout) return false;
    return this.#scalars.every((scalar, index) => Object.is(scalar, other.#scalars[index]));
  }
}

/** A key's value in memory: JSON, or packed if it is targeted. */
export type StoredValue = JsonValue | PackedValue;

/** Packs the targeted value of a flag or limit. Returns other values unchanged. */
export function packTargeted(tier: Tier, value: JsonValue, layouts: ValueLayouts): StoredValue {
  return isTargetable(tier) && isTargeted(value) ? new PackedValue(value, layouts) : value;
}

/** The value as JSON; a packed value is put together anew at each call. */
export function unpack(stored: StoredValue): JsonValue {
  return stored instanceof PackedValue ? stored.unpack() : stored;
}

/** Whether two stored values are equal; the order of an object's properties does not matter. */
export function sameStored(left: StoredValue | undefined, right: StoredValue | undefined): boolean {
  if (left === right) return true;
  if (left === undefined || right === undefined) return false;
  const arePacked = left instanceof PackedValue && right instanceof PackedValue;
  return (arePacked && left.hasSameParts(right)) || sameJson(unpack(left), unpack(right));
}
