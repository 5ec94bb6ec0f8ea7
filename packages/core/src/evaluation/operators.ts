import type { ConditionOperator } from '../wire.ts';
import { foldCase, foldedPattern } from './case-folding.ts';
import { epochMs } from './date-time.ts';
import { compareVersions, isSemanticVersion } from './semantic-version.ts';

/** Whether one value of an attribute satisfies an operator. The value may be anything; `undefined` never does. */
export type ValueTest = (value: unknown) => boolean;

type Operator = (operands: readonly unknown[], ignoreCase: boolean) => ValueTest;

/** Up to this length, searching a list is faster than a set. */
const SHORT_LIST = 8;

const never: ValueTest = () => false;

const OPERATORS: Record<ConditionOperator, Operator> = {
  in: isOneOf,
  contains: textOperator((text, operand) => text.includes(operand), '', ''),
  startsWith: textOperator((text, operand) => text.startsWith(operand), '^', ''),
  endsWith: textOperator((text, operand) => text.endsWith(operand), '', '$'),
  matches,
  // One operand is enough, so only the easiest to satisfy counts.
  lt: numberOperator(Math.max, (value, bound) => value < bound),
  lte: numberOperator(Math.max, (value, bound) => value <= bound),
  gt: numberOperator(Math.min, (value, bound) => value > bound),
  gte: numberOperator(Math.min, (value, bound) => value >= bound),
  before: dateOperator(Math.max, (value, bound) => value < bound),
  after: dateOperator(Math.min, (value, bound) => value > bound),
  semverEq: versionOperator((order) => order === 0),
  semverLt: versionOperator((order) => order < 0),
  semverGt: versionOperator((order) => order > 0),
};

/** Every operator that takes `values`. */
export const OPERATOR_NAMES: readonly ConditionOperator[] = Object.keys(OPERATORS) as ConditionOperator[];

/** Whether a name is an operator that takes `values`. */
export function isOperator(name: unknown): name is ConditionOperator {
  return typeof name === 'string' && Object.hasOwn(OPERATORS, name);
}

/**
 * Compiles an operator: operands of the wrong type are dropped; patterns, dates and folded strings are prepared once.
 */
export function compileOperator(
  operator: ConditionOperator,
  operands: readonly unknown[],
  ignoreCase: boolean,
): ValueTest {
  return OPERATORS[operator](operands, ignoreCase);
}

/** Compiles a pattern of `matches`; `undefined` if it is not a valid regular expression. */
export function compilePattern(pattern: string, flags: 'u' | 'iu'): RegExp | undefined {
  try {
    return new RegExp(pattern, flags);
  } catch {
    return undefined;
  }
}

function isOneOf(operands: readonly unknown[], ignoreCase: boolean): ValueTest {
  const wanted = operands.filter(isComparable);
  if (!ignoreCase) return isMember(wanted);
  const texts = wanted.filter((operand) => typeof operand === 'string');
  const isText = foldedPattern(texts, '^', '$') ?? isFoldedMember(texts);
  const isOther = isMember(wanted.filter((operand) => typeof operand !== 'string'));
  return (value) => (typeof value === 'string' ? isText(value) : isOther(value));
}

/** Folding keeps the length of a text, so most texts need not be folded. */
function isFoldedMember(texts: readonly string[]): (text: string) => boolean {
  const folded = new Set(texts.map(foldCase));
  const lengths = new Set(texts.map((text) => text.length));
  return (text) => lengths.has(text.length) && folded.has(foldCase(text));
}

function isMember(wanted: readonly unknown[]): ValueTest {
  if (wanted.length === 0) return never;
  if (wanted.length === 1) {
    const [only] = wanted;
    return (value) => value === only;
  }
  if (wanted.length <= SHORT_LIST) return (value) => wanted.includes(value);
  const set = new Set(wanted);
  return (value) => set.has(value);
}

/** Whether `in` can compare with an operand. Not with NaN: it equals nothing, but lists and sets would find it. */
export function isComparable(operand: unknown): operand is string | number | boolean {
  if (typeof operand === 'number') return !Number.isNaN(operand);
  return typeof operand === 'string' || typeof operand === 'boolean';
}

/** Whether searching the list is the fastest way. */
export function isShortList(operands: readonly unknown[]): boolean {
  return operands.length <= SHORT_LIST;
}

/** @param start - and `end`: the anchors of a pattern that finds an operand in the same place as `holds`. */
function textOperator(
  holds: (text: string, operand: string) => boolean,
  start: '' | '^',
  end: '' | '$',
): Operator {
  return (operands, ignoreCase) => {
    const texts = operands.filter((operand) => typeof operand === 'string');
    if (texts.length === 0) return never;
    const pattern = ignoreCase ? foldedPattern(texts, start, end) : undefined;
    if (pattern !== undefined) return (value) => typeof value === 'string' && pattern(value);
    const wanted = ignoreCase ? texts.map(foldCase) : texts;
    return (value) => {
      if (typeof value !== 'string') return false;
      const text = ignoreCase ? foldCase(value) : value;
      for (const operand of wanted) if (holds(text, operand)) return true;
      return false;
    };
  };
}

/** Case is ignored by the `i` flag: folding a pattern would change `\p{L}` and `\D`. */
function matches(operands: readonly unknown[], ignoreCase: boolean): ValueTest {
  const patterns = operands
    .map((operand) =>
      typeof operand === 'string' ? compilePattern(operand, ignoreCase ? 'iu' : 'u') : undefined,
    )
    .filter((pattern) => pattern !== undefined);
  if (patterns.length === 0) return never;
  return (value) => {
    if (typeof value !== 'string') return false;
    for (const pattern of patterns) if (pattern.test(value)) return true;
    return false;
  };
}

type Easiest = (left: number, right: number) => number;
type Comparison = (value: number, bound: number) => boolean;

function numberOperator(easiest: Easiest, holds: Comparison): Operator {
  return (operands) => {
    const bound = boundOf(operands.filter(isNumber), easiest);
    return bound === undefined ? never : (value) => typeof value === 'number' && holds(value, bound);
  };
}

function dateOperator(easiest: Easiest, holds: Comparison): Operator {
  return (operands) => {
    const bound = boundOf(operands.map(epochMs), easiest);
    return bound === undefined ? never : (value) => holds(epochMs(value), bound);
  };
}

function boundOf(numbers: readonly number[], easiest: Easiest): number | undefined {
  let bound: number | undefined;
  for (const number of numbers) {
    if (Number.isNaN(number)) continue;
    bound = bound === undefined ? number : easiest(bound, number);
  }
  return bound;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function versionOperator(holds: (order: number) => boolean): Operator {
  return (operands) => {
    const versions = operands.filter(isSemanticVersion);
    if (versions.length === 0) return never;
    return (value) => {
      if (!isSemanticVersion(value)) return false;
      for (const version of versions) if (holds(compareVersions(value, version))) return true;
      return false;
    };
  };
}
