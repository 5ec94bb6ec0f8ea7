import { isRecord, ownProperty } from '../../lib/record.ts';
import type { ConditionOperator, JsonValue } from '../../wire.ts';
import { CompiledSegments, MAX_EXPANDED_CONDITIONS, MAX_EXPANDED_LEVELS } from '../compiled-segments.ts';
import { type ConditionForm, conditionForm, conditionMembers, MAX_CONDITION_DEPTH } from '../conditions.ts';
import { epochMs } from '../date-time.ts';
import { compilePattern, isOperator, OPERATOR_NAMES } from '../operators.ts';
import { isSemanticVersion } from '../semantic-version.ts';
import {
  clip,
  IssueList,
  join,
  kindOf,
  type PatternFlags,
  type TargetingCheckOptions,
  type TargetingIssue,
} from './targeting-issues.ts';

const MAX_OPERANDS = 10_000;

/**
 * What is wrong with a condition, such as a segment's, in the order of the document; empty where it may be stored.
 * At most 100 issues are listed. Paths are relative to the condition: `all[0].values[2]`.
 */
export function checkCondition(condition: JsonValue, options: TargetingCheckOptions = {}): TargetingIssue[] {
  const list = new IssueList(options);
  checkConditionAt(condition, '', list);
  return list.issues;
}

/** Checks the whole condition at a path of a larger document. */
export function checkConditionAt(condition: unknown, path: string, list: IssueList): void {
  const before = list.issues.length;
  checkNode(condition, path, list, 1);
  const { segments } = list.options;
  // What is malformed is not put together: its own issues come first.
  if (list.issues.length > before || !(segments instanceof CompiledSegments)) return;
  if (segments.isTooLarge(condition)) {
    list.add(
      path,
      `With its segments, the condition comes to more than ${MAX_EXPANDED_CONDITIONS} conditions or ${MAX_EXPANDED_LEVELS} levels, and would never match. Refer to fewer segments, or shorten those that refer to others.`,
    );
  }
}

function checkNode(condition: unknown, path: string, list: IssueList, depth: number): void {
  if (depth > MAX_CONDITION_DEPTH) {
    list.add(
      path,
      `The condition nests more than ${MAX_CONDITION_DEPTH} levels. Move a part of it into a segment.`,
    );
    return;
  }
  if (!isRecord(condition)) {
    list.add(path, `A condition must be an object, but it is ${kindOf(condition)}. ${FORMS_HINT}`);
    return;
  }
  const form = conditionForm(condition);
  if (form === undefined) list.add(path, `The condition has no form, or more than one. ${FORMS_HINT}`);
  else CHECKS[form](condition, path, list, depth);
}

const FORMS_HINT = 'Give exactly one of all, any, not, segment and attribute.';

type Check = (condition: Record<string, unknown>, path: string, list: IssueList, depth: number) => void;

const CHECKS: Record<ConditionForm, Check> = {
  all: (condition, path, list, depth) => checkMembers('all', condition, path, list, depth),
  any: (condition, path, list, depth) => checkMembers('any', condition, path, list, depth),
  not: (condition, path, list, depth) => {
    checkNode(condition.not, join(path, 'not'), list, depth + 1);
    list.refuseOthers(condition, path, ['not']);
  },
  segment: checkReference,
  attribute: checkComparison,
};

function checkMembers(
  form: 'all' | 'any',
  condition: Record<string, unknown>,
  path: string,
  list: IssueList,
  depth: number,
): void {
  const at = join(path, form);
  if (!Array.isArray(condition[form])) {
    list.add(at, `"${form}" must be a list of conditions, but it is ${kindOf(condition[form])}.`);
  }
  for (const [index, member] of conditionMembers(condition).entries()) {
    checkNode(member, `${at}[${index}]`, list, depth + 1);
  }
  list.refuseOthers(condition, path, [form]);
}

function checkReference(condition: Record<string, unknown>, path: string, list: IssueList): void {
  const name = condition.segment;
  const { segments } = list.options;
  const at = join(path, 'segment');
  if (typeof name !== 'string' || name === '') {
    list.add(at, '"segment" must be the name of a segment.');
  } else if (segments !== undefined && !segments.has(name)) {
    list.add(
      at,
      `There is no segment "${clip(name)}" in this environment. Create it first, or correct the name.`,
    );
  }
  list.refuseOthers(condition, path, ['segment']);
}

function checkComparison(condition: Record<string, unknown>, path: string, list: IssueList): void {
  const { attribute } = condition;
  if (typeof attribute !== 'string' || attribute === '') {
    list.add(
      join(path, 'attribute'),
      '"attribute" must be the name or path of an attribute, such as "country".',
    );
  }
  const operator = ownProperty(condition, 'op');
  if (operator === 'exists') {
    list.refuseOthers(condition, path, ['attribute', 'op']);
    return;
  }
  if (!isOperator(operator)) {
    const name = typeof operator === 'string' ? `"${clip(operator)}"` : kindOf(operator);
    list.add(join(path, 'op'), `Unknown operator: ${name}. Use one of exists, ${OPERATOR_NAMES.join(', ')}.`);
    return;
  }
  const ignoreCase = ownProperty(condition, 'ignoreCase');
  checkOperands(
    { operator, flags: ignoreCase === true ? 'iu' : 'u' },
    ownProperty(condition, 'values'),
    join(path, 'values'),
    list,
  );
  if (ignoreCase !== undefined && typeof ignoreCase !== 'boolean') {
    list.add(
      join(path, 'ignoreCase'),
      `"ignoreCase" must be true or false, but it is ${kindOf(ignoreCase)}.`,
    );
  }
  list.refuseOthers(condition, path, ['attribute', 'op', 'values', 'ignoreCase']);
}

/** An operator, and the flags of its patterns. */
interface Comparison {
  readonly operator: ConditionOperator;
  readonly flags: PatternFlags;
}

function checkOperands(comparison: Comparison, operands: unknown, path: string, list: IssueList): void {
  if (!Array.isArray(operands)) {
    list.add(
      path,
      `"values" must be a list of what "${comparison.operator}" compares with, but it is ${kindOf(operands)}.`,
    );
    return;
  }
  if (operands.length > MAX_OPERANDS) {
    list.add(
      path,
      `"values" holds ${operands.length} values; at most ${MAX_OPERANDS} are allowed. Use an attribute that groups them.`,
    );
    return;
  }
  for (const [index, operand] of (operands as unknown[]).entries()) {
    const problem = operandProblem(comparison, operand, list.options);
    if (problem !== undefined) list.add(`${path}[${index}]`, problem);
  }
}

function operandProblem(
  { operator, flags }: Comparison,
  operand: unknown,
  options: TargetingCheckOptions,
): string | undefined {
  const must = (what: string): string =>
    `"${operator}" compares with ${what}, but this is ${kindOf(operand)}.`;
  switch (operator) {
    case 'in':
      return isScalar(operand) ? undefined : must('strings, numbers and booleans');
    case 'contains':
    case 'startsWith':
    case 'endsWith':
      return typeof operand === 'string' ? undefined : must('strings');
    case 'matches':
      return typeof operand === 'string'
        ? patternProblem(operand, flags, options)
        : must('regular expressions');
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return Number.isFinite(operand) ? undefined : must('numbers');
    case 'before':
    case 'after':
      if (!Number.isNaN(epochMs(operand))) return undefined;
      return typeof operand === 'string'
        ? `"${clip(operand)}" is no RFC 3339 date-time. Write it with time and offset, such as 2026-01-01T00:00:00Z.`
        : must('RFC 3339 date-times and epoch milliseconds');
    default:
      if (isSemanticVersion(operand)) return undefined;
      return typeof operand === 'string'
        ? `"${clip(operand)}" is no semantic version. Write it such as 2.1.0, without a leading "v" or zero.`
        : must('semantic versions as strings');
  }
}

function patternProblem(
  pattern: string,
  flags: PatternFlags,
  options: TargetingCheckOptions,
): string | undefined {
  if (compilePattern(pattern, flags) !== undefined) return options.checkPattern?.(pattern, flags);
  return `"${clip(pattern)}" is no regular expression with the "u" flag. Correct it, or use contains, startsWith or endsWith.`;
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}
