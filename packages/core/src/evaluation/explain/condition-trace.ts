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

/** What an attribute is; `unreadable` where reading it throws, which counts as missing. */
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

/** What became of a condition. */
export type ConditionTrace = {
  readonly matched: boolean;
  /** Why it did not match, where its members do not tell. */
  readonly reason?: string;
} & (
  | { readonly form: 'all' | 'any' | 'not'; readonly members: readonly ConditionTrace[] }
  /** `members`: the segment's own condition, where there is one. */
  | { readonly form: 'segment'; readonly segment: string; readonly members: readonly ConditionTrace[] }
  | {
      readonly form: 'attribute';
      readonly attribute: string;
      readonly op: string;
      /** What stands in the rule; the attribute's own value is not told. */
      readonly values?: readonly JsonValue[];
      readonly ignoreCase?: true;
      readonly kind: AttributeKind;
    }
  | { readonly form: 'malformed' }
);

/** Follows a condition for a subject; all members are followed, also those that no longer decide anything. */
export function traceCondition(
  condition: unknown,
  subject: EvaluationContext,
  segments: CompiledSegments,
): ConditionTrace {
  if (segments.isTooLarge(condition)) {
    return malformed('its segments come to more conditions than are evaluated');
  }
  return traceWhole(condition, { subject, segments, active: [] });
}

/** What an attribute is. Never throws. */
export function attributeKind(subject: EvaluationContext, name: string): AttributeKind {
  try {
    return kindOf(readAttribute(subject, parseAttribute(name)));
  } catch {
    return 'unreadable';
  }
}

interface Walk {
  readonly subject: EvaluationContext;
  readonly segments: CompiledSegments;
  /** Names of the segments that are being followed, outermost first. */
  readonly active: readonly string[];
}

function traceWhole(condition: unknown, walk: Walk): ConditionTrace {
  if (isWithinDepth(condition)) return traceNode(condition, walk);
  return malformed(`it nests more than ${MAX_CONDITION_DEPTH} levels`);
}

function traceNode(condition: unknown, walk: Walk): ConditionTrace {
  if (!isRecord(condition)) return malformed('it is no object');
  const form = conditionForm(condition);
  if (form === undefined) return malformed('it has no form, or more than one');
  if (form === 'segment') return traceReference(ownProperty(condition, 'segment'), walk);
  if (form === 'attribute') return traceComparison(condition, walk);
  if (form !== 'not' && !Array.isArray(condition[form])) return malformed(`"${form}" is no list`);
  const members = conditionMembers(condition).map((member) => traceNode(member, walk));
  const isOne = members.some(({ matched }) => matched);
  const matched = form === 'all' ? members.every((member) => member.matched) : isOne === (form === 'any');
  return { form, matched, members };
}

function traceReference(name: unknown, walk: Walk): ConditionTrace {
  if (typeof name !== 'string') return malformed('"segment" is no text');
  const unmatched = { form: 'segment', segment: name, matched: false, members: [] } as const;
  const { segments, active } = walk;
  if (active.includes(name)) return { ...unmatched, reason: 'it refers back to itself' };
  const condition = segments.stored(name);
  if (condition === undefined) return { ...unmatched, reason: 'there is no such segment' };
  const member = traceWhole(condition, { ...walk, active: [...active, name] });
  return { form: 'segment', segment: name, matched: member.matched, members: [member] };
}

function traceComparison(condition: Record<string, unknown>, { subject }: Walk): ConditionTrace {
  const attribute = ownProperty(condition, 'attribute');
  const op = ownProperty(condition, 'op');
  const values = ownProperty(condition, 'values');
  if (typeof attribute !== 'string') return malformed('"attribute" is no text');
  if (op !== 'exists' && !isOperator(op)) return malformed(`"op" is no operator that there is`);
  if (op !== 'exists' && !Array.isArray(values)) return malformed('"values" is no list');
  const kind = attributeKind(subject, attribute);
  const matched = holds(compileComparison(condition), subject);
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
  return kind === 'list' ? 'no element fits' : 'it fits none of the values';
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
