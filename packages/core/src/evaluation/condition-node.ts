import type { EvaluationContext } from '../wire.ts';
import { type Attribute, readAttribute } from './attribute.ts';
import type { ValueTest } from './operators.ts';

type NodeKind = (typeof KIND)[keyof typeof KIND];

const KIND = { never: 0, all: 1, any: 2, not: 3, exists: 4, equals: 5, oneOf: 6, test: 7 } as const;

/**
 * A compiled condition. All kinds have the same shape, and {@link holds} is one switch over them: this stays fast however
 * many operators are in use. Closures of many kinds would make every call megamorphic.
 */
export interface ConditionNode {
  readonly kind: NodeKind;
  readonly attribute: Attribute;
  /** The operand of `equals`, or the list of `oneOf`. */
  readonly operand: unknown;
  readonly test: ValueTest;
  readonly members: readonly ConditionNode[];
}

const NO_ATTRIBUTE: Attribute = { name: '', path: undefined };
const NO_MEMBERS: readonly ConditionNode[] = [];
const noTest: ValueTest = () => false;

/** Always false: for a malformed or unknown condition, or one beyond a limit. */
export const never: ConditionNode = combine(KIND.never, NO_MEMBERS);

/** True if all members are, or there are none. */
export function allOf(members: readonly ConditionNode[]): ConditionNode {
  const [only] = members;
  return members.length === 1 && only !== undefined ? only : combine(KIND.all, members);
}

/** True if at least one member is. */
export function anyOf(members: readonly ConditionNode[]): ConditionNode {
  const [only] = members;
  return members.length === 1 && only !== undefined ? only : combine(KIND.any, members);
}

export function negationOf(member: ConditionNode): ConditionNode {
  return combine(KIND.not, [member]);
}

/** True if the attribute is neither missing nor null. */
export function existsNode(attribute: Attribute): ConditionNode {
  return { kind: KIND.exists, attribute, operand: undefined, test: noTest, members: NO_MEMBERS };
}

/** True if the attribute, or an element of it, is exactly the operand: a string, number or boolean. */
export function equalsNode(attribute: Attribute, operand: unknown): ConditionNode {
  return { kind: KIND.equals, attribute, operand, test: noTest, members: NO_MEMBERS };
}

/** True if the attribute, or an element of it, is exactly one of a few operands: strings, numbers and booleans. */
export function oneOfNode(attribute: Attribute, operands: readonly unknown[]): ConditionNode {
  return { kind: KIND.oneOf, attribute, operand: operands, test: noTest, members: NO_MEMBERS };
}

/** True if the attribute, or an element of it, passes the test, which must refuse `undefined`. */
export function testNode(attribute: Attribute, test: ValueTest): ConditionNode {
  return { kind: KIND.test, attribute, operand: undefined, test, members: NO_MEMBERS };
}

function combine(kind: NodeKind, members: readonly ConditionNode[]): ConditionNode {
  return { kind, attribute: NO_ATTRIBUTE, operand: undefined, test: noTest, members };
}

/** The operands of a comparison for equality; undefined for every other condition. */
export function equalityOperands({ kind, operand }: ConditionNode): readonly unknown[] | undefined {
  if (kind === KIND.equals) return [operand];
  return kind === KIND.oneOf ? (operand as readonly unknown[]) : undefined;
}

/** Whether a condition is true for a context. Never throws, whatever the context holds; allocates nothing. */
export function holds(node: ConditionNode, context: EvaluationContext): boolean {
  switch (node.kind) {
    case KIND.equals:
      return isEqual(node, context);
    case KIND.oneOf:
      return isOneOf(node, context);
    case KIND.test:
      return isSatisfied(node, context);
    case KIND.exists:
      return isPresent(node, context);
    case KIND.all:
      return !someMember(node.members, context, false);
    case KIND.any:
      return someMember(node.members, context, true);
    case KIND.not:
      return someMember(node.members, context, false);
    default:
      return false;
  }
}

/** Whether at least one member is `expected`. */
function someMember(
  members: readonly ConditionNode[],
  context: EvaluationContext,
  expected: boolean,
): boolean {
  for (let index = 0; index < members.length; index++) {
    const member = members[index];
    if (member !== undefined && holds(member, context) === expected) return true;
  }
  return false;
}

/*
 * An attribute without dots is read first. Whether it is the context's own property is checked only if its value matches:
 * most do not, and `Object.hasOwn` takes longer than the read.
 */

function isEqual({ attribute, operand }: ConditionNode, context: EvaluationContext): boolean {
  try {
    const { name, path } = attribute;
    const value = path === undefined ? context[name] : readAttribute(context, attribute);
    if (value !== operand && !(typeof value === 'object' && hasElement(value, operand))) return false;
    return path !== undefined || Object.hasOwn(context, name);
  } catch {
    // A getter or proxy in the context threw: the attribute is missing.
    return false;
  }
}

function isOneOf({ attribute, operand }: ConditionNode, context: EvaluationContext): boolean {
  try {
    const { name, path } = attribute;
    const value = path === undefined ? context[name] : readAttribute(context, attribute);
    const operands = operand as readonly unknown[];
    if (!(typeof value === 'object' ? hasOneOf(value, operands) : operands.includes(value))) return false;
    return path !== undefined || Object.hasOwn(context, name);
  } catch {
    return false;
  }
}

function isSatisfied({ attribute, test }: ConditionNode, context: EvaluationContext): boolean {
  try {
    const { name, path } = attribute;
    const value = path === undefined ? context[name] : readAttribute(context, attribute);
    if (value === undefined) return false;
    if (!(typeof value === 'object' ? satisfiesInside(value, test) : test(value))) return false;
    return path !== undefined || Object.hasOwn(context, name);
  } catch {
    return false;
  }
}

function isPresent({ attribute }: ConditionNode, context: EvaluationContext): boolean {
  try {
    const { name, path } = attribute;
    const value = path === undefined ? context[name] : readAttribute(context, attribute);
    if (value === undefined || value === null) return false;
    return path !== undefined || Object.hasOwn(context, name);
  } catch {
    return false;
  }
}

/** Whether a value is an array with an element that is exactly the operand. */
export function hasElement(value: object | null, operand: unknown): boolean {
  if (!Array.isArray(value)) return false;
  for (let index = 0; index < value.length; index++) if (value[index] === operand) return true;
  return false;
}

function hasOneOf(value: object | null, operands: readonly unknown[]): boolean {
  if (!Array.isArray(value)) return false;
  for (let index = 0; index < value.length; index++) if (operands.includes(value[index])) return true;
  return false;
}

function satisfiesInside(value: object | null, test: ValueTest): boolean {
  if (!Array.isArray(value)) return false;
  for (let index = 0; index < value.length; index++) if (test(value[index])) return true;
  return false;
}
