import { isPlainRecord } from './record.ts';

/**
 * Whether two JSON values are the same, the order of an object's names aside. What is no JSON, such as a Date, is the
 * same as itself alone; and so is what is nested beyond all measure.
 */
export function sameJson(left: unknown, right: unknown): boolean {
  try {
    return isSame(left, right);
  } catch {
    return false;
  }
}

function isSame(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (Array.isArray(left)) {
    return (
      Array.isArray(right) &&
      left.length === right.length &&
      left.every((item, index) => isSame(item, right[index]))
    );
  }
  if (!isPlainRecord(left) || !isPlainRecord(right)) return false;
  const names = Object.keys(left);
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => Object.hasOwn(right, name) && isSame(left[name], right[name]))
  );
}
