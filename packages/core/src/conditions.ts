import { parseAttribute, readAttribute } from './attribute.ts';
import { compileOperator, isOperator, type ValueTest } from './operators.ts';
import { isRecord, ownProperty } from './own-property.ts';
import type { EvaluationContext } from './wire.ts';

/** Whether a context satisfies a condition. */
export type ConditionTest = (context: EvaluationContext) => boolean;

/** Levels of conditions in one another that are evaluated; a single comparison is one level. */
export const MAX_CONDITION_DEPTH = 32;

/** The property that tells a condition's form. */
export type ConditionForm = (typeof FORMS)[number];

const FORMS = ['all', 'any', 'not', 'segment', 'attribute'] as const;

/** What is malformed, unknown or beyond a limit. */
export const never: ConditionTest = () => false;

/** The form of a condition; `undefined` where it has none, or more than one. */
export function conditionForm(condition: object): ConditionForm | undefined {
  const [form, another] = FORMS.filter((name) => Object.hasOwn(condition, name));
  return another === undefined ? form : undefined;
}

/** The conditions right inside a condition, whatever they are. */
export function conditionMembers(condition: object): readonly unknown[] {
  switch (conditionForm(condition)) {
    case 'all':
      return asList(ownProperty(condition, 'all'));
    case 'any':
      return asList(ownProperty(condition, 'any'));
    case 'not':
      return [ownProperty(condition, 'not')];
    default:
      return [];
  }
}

/** Whether a condition nests at most {@link MAX_CONDITION_DEPTH} levels. */
export function isWithinDepth(condition: unknown, levels: number = MAX_CONDITION_DEPTH): boolean {
  if (!isRecord(condition)) return true;
  if (levels === 0) return false;
  return conditionMembers(condition).every((member) => isWithinDepth(member, levels - 1));
}

/** True when all are; true when there are none. */
export function allOf(tests: readonly ConditionTest[]): ConditionTest {
  const [only] = tests;
  if (tests.length === 1 && only !== undefined) return only;
  return (context) => {
    for (const test of tests) if (!test(context)) return false;
    return true;
  };
}

/** True when one is; false when there are none. */
export function anyOf(tests: readonly ConditionTest[]): ConditionTest {
  const [only] = tests;
  if (tests.length === 1 && only !== undefined) return only;
  return (context) => {
    for (const test of tests) if (test(context)) return true;
    return false;
  };
}

/** Compiles `{ attribute, op, values?, ignoreCase? }`; the test never throws, whatever the context holds. */
export function compileComparison(condition: object): ConditionTest {
  const name = ownProperty(condition, 'attribute');
  const operator = ownProperty(condition, 'op');
  if (typeof name !== 'string') return never;
  if (operator === 'exists') return compileExists(name);
  const operands = ownProperty(condition, 'values');
  if (!isOperator(operator) || !Array.isArray(operands)) return never;
  const attribute = parseAttribute(name);
  const test = compileOperator(operator, operands, ownProperty(condition, 'ignoreCase') === true);
  return (context) => {
    try {
      const value = readAttribute(context, attribute);
      if (typeof value !== 'object') return test(value);
      return Array.isArray(value) && holdsForElement(value, test);
    } catch {
      // A getter or a proxy in the context threw: the attribute is missing.
      return false;
    }
  };
}

function holdsForElement(elements: readonly unknown[], test: ValueTest): boolean {
  for (let index = 0; index < elements.length; index++) if (test(elements[index])) return true;
  return false;
}

function compileExists(name: string): ConditionTest {
  const attribute = parseAttribute(name);
  return (context) => {
    try {
      const value = readAttribute(context, attribute);
      return value !== undefined && value !== null;
    } catch {
      return false;
    }
  };
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
