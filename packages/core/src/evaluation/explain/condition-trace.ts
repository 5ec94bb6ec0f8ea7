import { isRecord, ownProperty } from '../../lib/record.ts';
import type { EvaluationContext, JsonValue } from '../../wire.ts';
import { parseAttribute, readAttribute } from '../attribute.ts';
import type { CompiledSegments } from '../compiled-segments.ts';
import { holds } from '../condition-node.ts';
import {
  compileComparison,
  conditionForm,
  conditionMembers,
  isWithinDepth,
  MAX_CONDITION_DEPTH,
} from '../conditions.ts';
import { isOperator } from '../operators.ts';

/** The kind of an attribute's value; `unreadable` if reading it throws, which counts as missing. */
export type AttributeKind =
  | 'missing'
  | 'null'
  | 'string'
  | 'empty string'
  | 'number'
  | 'boolean'
  | 'list'
  | 'object'
  | 'other'
  | 'unreadable';

/** The result of a condition, and how it came about. */
export type ConditionTrace = {
  readonly matched: boolean;
  /** Why it did not match, unless its members show that. */
  readonly reason?: string;
} & (
  | { readonly form: 'all' | 'any' | 'not'; readonly members: readonly ConditionTrace[] }
  /** `members`: the segment's condition, if the segment exists. */
  | { readonly form: 'segment'; readonly segment: string; readonly members: readonly ConditionTrace[] }
  | {
      readonly form: 'attribute';
      readonly attribute: string;
      readonly op: string;
      /** The values of the rule, never the attribute's own. */
      readonly values?: readonly JsonValue[];
      readonly ignoreCase?: true;
      readonly kind: AttributeKind;
    }
  | { readonly form: 'malformed' }
);

/** Traces a condition for a context. All members are traced, even those that do not change the result. */
export function traceCondition(
  condition: unknown,
  attributes: EvaluationContext,
  segments: CompiledSegments,
): ConditionTrace {
  if (segments.isTooLarge(condition)) {
    return malformed('with its segments, it has more conditions than are evaluated');
  }
  return traceWhole(condition, { attributes, segments, active: [] });
}

/** The kind of an attribute's value. Never throws. */
export function attributeKind(attributes: EvaluationContext, name: string): AttributeKind {
  try {
    return kindOf(readAttribute(attributes, parseAttribute(name)));
  } catch {
    return 'unreadable';
  }
}

interface Walk {
  readonly attributes: EvaluationContext;
  readonly segments: CompiledSegments;
  /** Names of the segments being traced, outermost first. */
  readonly active: readonly string[];
}

function traceWhole(condition: unknown, walk: Walk): ConditionTrace {
  if (isWithinDepth(condition)) return traceNode(condition, walk);
  return malformed(`it nests more than ${MAX_CONDITION_DEPTH} levels`);
}

function traceNode(condition: unknown, walk: Walk): ConditionTrace {
  if (!isRecord(condition)) return malformed('it is not an object');
  const form = conditionForm(condition);
  if (form === undefined) return malformed('it has no form, or more than one');
  if (form === 'segment') return traceReference(ownProperty(condition, 'segment'), walk);
  if (form === 'attribute') return traceComparison(condition, walk);
  if (form !== 'not' && !Array.isArray(condition[form])) return malformed(`"${form}" is not a list`);
  const members = conditionMembers(condition).map((member) => traceNode(member, walk));
  const isAnyMatched = members.some((member) => member.matched);
  const matched =
    form === 'all' ? members.every((member) => member.matched) : isAnyMatched === (form === 'any');
  return { form, matched, members };
}

function traceReference(name: unknown, walk: Walk): ConditionTrace {
  if (typeof name !== 'string') return malformed('"segment" is not a string');
  const unmatched = { form: 'segment', segment: name, matched: false, members: [] } as const;
  const { segments, active } = walk;
  if (active.includes(name)) return { ...unmatched, reason: 'it refers to itself' };
  const condition = segments.stored(name);
  if (condition === undefined) return { ...unmatched, reason: 'the segment does not exist' };
  const member = traceWhole(condition, { ...walk, active: [...active, name] });
  return { form: 'segment', segment: name, matched: member.matched, members: [member] };
}

function traceComparison(condition: Record<string, unknown>, { attributes }: Walk): ConditionTrace {
  const attribute = ownProperty(condition, 'attribute');
  const op = ownProperty(condition, 'op');
  const values = ownProperty(condition, 'values');
  if (typeof attribute !== 'string') return malformed('"attribute" is not a string');
  if (op !== 'exists' && !isOperator(op)) return malformed('"op" is not a known operator');
  if (op !== 'exists' && !Array.isArray(values)) return malformed('"values" is not a list');
  const kind = attributeKind(attributes, attribute);
  const matched = holds(compileComparison(condition), attributes);
  return {
    form: 'attribute',
    attribute,
    op,
    ...(op !== 'exists' && { values: values as JsonValue[] }),
    ...(ownProperty(condition, 'ignoreCase') === true && { ignoreCase: true }),
    kind,
    matched,
    ...(!matched && { reason: reasonFor(kind) }),
  };
}

function reasonFor(kind: AttributeKind): string {
  if (kind === 'missing' || kind === 'null') return `the attribute is ${kind}`;
  if (kind === 'unreadable') return 'reading the attribute throws an error';
  return kind === 'list' ? 'no element matches' : 'it matches none of the values';
}

function malformed(reason: string): ConditionTrace {
  return { form: 'malformed', matched: false, reason };
}

function kindOf(value: unknown): AttributeKind {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (value === '') return 'empty string';
  if (Array.isArray(value)) return 'list';
  const type = typeof value;
  return type === 'string' || type === 'number' || type === 'boolean' || type === 'object' ? type : 'other';
}
