import type { ProgramShape } from './program.ts';

/** Many cohorts have one of a few shapes, so each is held once. The limits protect against hostile rulesets. */
const shapes = new Map<string, ProgramShape>();
const MAX_KEPT = 1_000;
const MAX_KEPT_RULES = 20;
const MAX_KEPT_LENGTH = 2_000;

/** A shape that is equal to this one. */
export function sharedShape(shape: ProgramShape): ProgramShape {
  if (shape.rules.length > MAX_KEPT_RULES) return shape;
  const text = JSON.stringify(shape);
  const known = shapes.get(text);
  if (known !== undefined) return known;
  if (text.length <= MAX_KEPT_LENGTH) {
    if (shapes.size >= MAX_KEPT) shapes.clear();
    shapes.set(text, shape);
  }
  return shape;
}

const BOOLEANS: readonly (readonly boolean[])[] = [[true], [false], [true, false], [false, true]];

/** The same values. Most flags are booleans, so their lists are held once. */
export function sharedValues<Value>(values: readonly Value[]): readonly Value[] {
  const known = BOOLEANS.find(
    (list) => list.length === values.length && list.every((value, index) => value === values[index]),
  );
  // The same values are of the same type.
  return (known as readonly Value[] | undefined) ?? values.slice();
}
