import type { EvaluationContext } from '../wire.ts';
import { type Attribute, readAttribute } from './attribute.ts';
import type { ValueTest } from './operators.ts';

/** What a {@link ConditionNode} does. */
type NodeKind = (typeof KIND)[keyof typeof KIND];

const KIND = { never: 0, all: 1, any: 2, not: 3, exists: 4, equals: 5, oneOf: 6, test: 7 } as const;

/**
 * A compiled condition. All kinds share one shape, and {@link holds} one switch, so that the code stays as fast with
 * many operators as with one; closures of many kinds would be called through a table each time.
 */
export interface ConditionNode {
  readonly kind: NodeKind;
  readonly attribute: Attribute;
  /** The one operand of `equals`, the list of `oneOf`. */
  readonly operand: unknown;
  readonly test: ValueTest;
  readonly members: readonly ConditionNode[];
}

const NO_ATTRIBUTE: Attribute = { name: '', path: undefined };
const NO_MEMBERS: readonly ConditionNode[] = [];
const noTest: ValueTest = () => false;

/** What is malformed, unknown or beyond a limit: false. */
export const never: ConditionNode = combine(KIND.never, NO_MEMBERS);

/** True when all are; true when there are none. */
export function allOf(members: readonly ConditionNode[]): ConditionNode {
  const [only] = members;
  return members.length === 1 && only !== undefined ? only : combine(KIND.all, members);
}

/** True when one is; false when there are none. */
export function anyOf(members: readonly ConditionNode[]): ConditionNode {
  const [only] = members;
  return members.length === 1 && only !== undefined ? only : combine(KIND.any, members);
}

/** True when the other is false. */
export function negationOf(member: ConditionNode): ConditionNode {
  return combine(KIND.not, [member]);
}

/** True where the attribute is neither missing nor null. */
export function existsNode(attribute: Attribute): ConditionNode {
  return { kind: KIND.exists, attribute, operand: undefined, test: noTest, members: NO_MEMBERS };
}

/** True where the attribute, or an element of it, is exactly the operand: a string, number or boolean. */
export function equalsNode(attribute: Attribute, operand: unknown): ConditionNode {
  return { kind: KIND.equals, attribute, operand, test: noTest, members: NO_MEMBERS };
}

/** True where the attribute, or an element of it, is exactly one of a few operands: strings, numbers and booleans. */
export function oneOfNode(attribute: Attribute, operands: readonly unknown[]): ConditionNode {
  return { kind: KIND.oneOf, attribute, operand: operands, test: noTest, members: NO_MEMBERS };
}

/** True where the attribute, or an element of it, satisfies the test, which must refuse `undefined`. */
export function testNode(attribute: Attribute, test: ValueTest): ConditionNode {
  return { kind: KIND.test, attribute, operand: undefined, test, members: NO_MEMBERS };
}

function combine(kind: NodeKind, members: readonly ConditionNode[]): ConditionNode {
  return { kind, attribute: NO_ATTRIBUTE, operand: undefined, test: noTest, members };
}

/** Whether a context satisfies a condition. Never throws, whatever the context holds; allocates nothing. */
export function holds(node: ConditionNode, context: EvaluationContext): boolean {
  switch (node.kind) {
    case KIND.equals:
      return isEqual(node, context);
    case KIND.oneOf:
      return isOneOf(node, context);
    case KIND.test:
      return isSatisfied(node, context);
    case KIND.exists:
      return isThere(node, context);
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

/** Whether a member comes out as wanted. */
function someMember(
  members: readonly ConditionNode[],
  context: EvaluationContext,
  isWanted: boolean,
): boolean {
  for (let index = 0; index < members.length; index++) {
    const member = members[index];
    if (member !== undefined && holds(member, context) === isWanted) return true;
  }
  return false;
}

/*
 * An attribute without dots is read first, and only one that would count is then looked at for being the context's
 * own: most contexts do not match, and the look takes longer than the reading.
 */

function isEqual({ attribute, operand }: ConditionNode, context: EvaluationContext): boolean {
  try {
    const { name, path } = attribute;
    const value = path === undefined ? context[name] : readAttribute(context, attribute);
    if (value !== operand && !(typeof value === 'object' && hasElement(value, operand))) return false;
    return path !== undefined || Object.hasOwn(context, name);
  } catch {
    // A getter or a proxy in the context threw: the attribute is missing.
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

function isThere({ attribute }: ConditionNode, context: EvaluationContext): boolean {
  try {
    const { name, path } = attribute;
    const value = path === undefined ? context[name] : readAttribute(context, attribute);
    if (value === undefined || value === null) return false;
    return path !== undefined || Object.hasOwn(context, name);
  } catch {
    return false;
  }
}

function hasElement(value: object | null, operand: unknown): boolean {
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
