import { isRecord, ownProperty } from '../lib/record.ts';
import { parseAttribute } from './attribute.ts';
import { type ConditionNode, equalsNode, existsNode, never, oneOfNode, testNode } from './condition-node.ts';
import { compileOperator, isComparable, isOperator, isShortList } from './operators.ts';

/** Nesting levels of conditions that are evaluated; a single comparison is one level. */
export const MAX_CONDITION_DEPTH = 32;

/** The property that a condition of each form has. */
export type ConditionForm = (typeof FORMS)[number];

const FORMS = ['all', 'any', 'not', 'segment', 'attribute'] as const;

/** The form of a condition; `undefined` if it has none, or more than one. */
export function conditionForm(condition: object): ConditionForm | undefined {
  let form: ConditionForm | undefined;
  // Loops over an index leave no garbage: a ruleset may have tens of thousands of conditions.
  for (let index = 0; index < FORMS.length; index++) {
    const name = FORMS[index];
    if (name === undefined || !Object.hasOwn(condition, name)) continue;
    if (form !== undefined) return undefined;
    form = name;
  }
  return form;
}

/** The conditions directly inside a condition; they may be malformed. */
export function conditionMembers(condition: object): readonly unknown[] {
  switch (conditionForm(condition)) {
    case 'all':
      return asList(ownProperty(condition, 'all'));
    case 'any':
      return asList(ownProperty(condition, 'any'));
    case 'not':
      return [ownProperty(condition, 'not')];
    default:
      return NO_MEMBERS;
  }
}

const NO_MEMBERS: readonly unknown[] = [];

/** Whether a condition nests at most {@link MAX_CONDITION_DEPTH} levels. */
export function isWithinDepth(condition: unknown, levels: number = MAX_CONDITION_DEPTH): boolean {
  if (!isRecord(condition)) return true;
  if (levels === 0) return false;
  return conditionMembers(condition).every((member) => isWithinDepth(member, levels - 1));
}

/** Compiles `{ attribute, op, values?, ignoreCase? }`. */
export function compileComparison(condition: object): ConditionNode {
  const name = ownProperty(condition, 'attribute');
  const operator = ownProperty(condition, 'op');
  if (typeof name !== 'string') return never;
  if (operator === 'exists') return existsNode(parseAttribute(name));
  const operands = ownProperty(condition, 'values');
  if (!isOperator(operator) || !Array.isArray(operands)) return never;
  const attribute = parseAttribute(name);
  const ignoreCase = ownProperty(condition, 'ignoreCase') === true;
  const [operand] = operands as unknown[];
  const isOnlyOne = operator === 'in' && operands.length === 1 && isComparable(operand);
  // Case matters only for strings.
  if (isOnlyOne && !(ignoreCase && typeof operand === 'string')) return equalsNode(attribute, operand);
  if (operator === 'in' && !ignoreCase && isShortList(operands)) {
    return oneOfNode(attribute, operands.filter(isComparable).slice());
  }
  return testNode(attribute, compileOperator(operator, operands, ignoreCase));
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : NO_MEMBERS;
}
