import { isRecord, ownProperty } from '../../lib/record.ts';
import type { ConditionOperator, JsonValue } from '../../wire.ts';
import { CompiledSegments, MAX_EXPANDED_CONDITIONS, MAX_EXPANDED_LEVELS } from '../compiled-segments.ts';
import { type ConditionForm, conditionForm, conditionMembers, MAX_CONDITION_DEPTH } from '../conditions.ts';
import { epochMs } from '../date-time.ts';
import { compilePattern, isOperator, OPERATOR_NAMES } from '../operators.ts';
import { isSemanticVersion } from '../semantic-version.ts';
import {
  clip,
  kindOf,
  type PatternFlags,
  Place,
  type TargetingCheckOptions,
  type TargetingIssue,
} from './targeting-issues.ts';

const MAX_OPERANDS = 10_000;

/**
 * Checks a condition by itself, such as a segment's. Returns its issues in document order, at most 100; none if it may
 * be stored. Paths are relative to the condition: `all[0].values[2]`.
 */
export function checkCondition(condition: JsonValue, options: TargetingCheckOptions = {}): TargetingIssue[] {
  const place = Place.root(options);
  checkConditionAt(condition, place);
  return place.issues;
}

/** Checks a condition at its place in a larger value. */
export function checkConditionAt(condition: unknown, place: Place): void {
  const before = place.issues.length;
  checkNode(condition, place, 1);
  const { segments } = place.options;
  // A malformed condition is not expanded: its own issues come first.
  if (place.issues.length > before || !(segments instanceof CompiledSegments)) return;
  if (segments.isTooLarge(condition)) {
    place.report(
      `With its segments, the condition has more than ${MAX_EXPANDED_CONDITIONS} conditions or ${MAX_EXPANDED_LEVELS} levels, and would never match. Refer to fewer segments, or shorten those that refer to others.`,
    );
  }
}

function checkNode(condition: unknown, place: Place, depth: number): void {
  if (depth > MAX_CONDITION_DEPTH) {
    place.report(
      `The condition nests more than ${MAX_CONDITION_DEPTH} levels. Move a part of it into a segment.`,
    );
    return;
  }
  if (!isRecord(condition)) {
    place.report(`A condition must be an object, but it is ${kindOf(condition)}. ${FORMS_HINT}`);
    return;
  }
  const form = conditionForm(condition);
  if (form === undefined) place.report(FORMS_HINT);
  else CHECKS[form](condition, place, depth);
}

const FORMS_HINT = 'A condition must have exactly one of all, any, not, segment and attribute.';

type Check = (condition: Record<string, unknown>, place: Place, depth: number) => void;

const CHECKS: Record<ConditionForm, Check> = {
  all: membersCheck('all'),
  any: membersCheck('any'),
  not: (condition, place, depth) => {
    checkNode(condition.not, place.property('not'), depth + 1);
    place.reportOthers(condition, ['not']);
  },
  segment: checkReference,
  attribute: checkComparison,
};

function membersCheck(form: 'all' | 'any'): Check {
  return (condition, place, depth) => {
    const list = place.property(form);
    if (!Array.isArray(condition[form])) {
      list.report(`"${form}" must be a list of conditions, but it is ${kindOf(condition[form])}.`);
    }
    for (const [index, member] of conditionMembers(condition).entries()) {
      checkNode(member, list.element(index), depth + 1);
    }
    place.reportOthers(condition, [form]);
  };
}

function checkReference(condition: Record<string, unknown>, place: Place): void {
  const name = condition.segment;
  const { segments } = place.options;
  if (typeof name !== 'string' || name === '') {
    place.property('segment').report('"segment" must be the name of a segment.');
  } else if (segments !== undefined && !segments.has(name)) {
    place
      .property('segment')
      .report(
        `The segment "${clip(name)}" does not exist in this environment. Create it first, or correct the name.`,
      );
  }
  place.reportOthers(condition, ['segment']);
}

function checkComparison(condition: Record<string, unknown>, place: Place): void {
  const { attribute } = condition;
  if (typeof attribute !== 'string' || attribute === '') {
    place
      .property('attribute')
      .report('"attribute" must be the name or path of an attribute, such as "country".');
  }
  const operator = ownProperty(condition, 'op');
  if (operator === 'exists') {
    place.reportOthers(condition, ['attribute', 'op']);
    return;
  }
  if (!isOperator(operator)) {
    const name = typeof operator === 'string' ? `"${clip(operator)}"` : kindOf(operator);
    place
      .property('op')
      .report(`Unknown operator: ${name}. Use one of exists, ${OPERATOR_NAMES.join(', ')}.`);
    return;
  }
  const ignoreCase = ownProperty(condition, 'ignoreCase');
  const comparison: Comparison = { operator, flags: ignoreCase === true ? 'iu' : 'u' };
  checkOperands(comparison, ownProperty(condition, 'values'), place.property('values'));
  if (ignoreCase !== undefined && typeof ignoreCase !== 'boolean') {
    place
      .property('ignoreCase')
      .report(`"ignoreCase" must be true or false, but it is ${kindOf(ignoreCase)}.`);
  }
  place.reportOthers(condition, ['attribute', 'op', 'values', 'ignoreCase']);
}

/** An operator, and the flags of its patterns. */
interface Comparison {
  readonly operator: ConditionOperator;
  readonly flags: PatternFlags;
}

function checkOperands(comparison: Comparison, operands: unknown, place: Place): void {
  if (!Array.isArray(operands)) {
    place.report(
      `"values" must be a list of values for "${comparison.operator}", but it is ${kindOf(operands)}.`,
    );
    return;
  }
  if (operands.length > MAX_OPERANDS) {
    place.report(
      `"values" holds ${operands.length} values; at most ${MAX_OPERANDS} are allowed. Use an attribute that groups them.`,
    );
    return;
  }
  for (const [index, operand] of (operands as unknown[]).entries()) {
    const problem = operandProblem(comparison, operand, place.options);
    if (problem !== undefined) place.element(index).report(problem);
  }
}

function operandProblem(
  { operator, flags }: Comparison,
  operand: unknown,
  options: TargetingCheckOptions,
): string | undefined {
  const mustBe = (kinds: string): string =>
    `"${operator}" compares with ${kinds}, but this is ${kindOf(operand)}.`;
  switch (operator) {
    case 'in':
      return isScalar(operand) ? undefined : mustBe('strings, numbers and booleans');
    case 'contains':
    case 'startsWith':
    case 'endsWith':
      return typeof operand === 'string' ? undefined : mustBe('strings');
    case 'matches':
      return typeof operand === 'string'
        ? patternProblem(operand, flags, options)
        : mustBe('regular expressions');
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return Number.isFinite(operand) ? undefined : mustBe('numbers');
    case 'before':
    case 'after':
      if (!Number.isNaN(epochMs(operand))) return undefined;
      return typeof operand === 'string'
        ? `"${clip(operand)}" is not an RFC 3339 date-time. Write it with time and offset, such as 2026-01-01T00:00:00Z.`
        : mustBe('RFC 3339 date-times and epoch milliseconds');
    default:
      if (isSemanticVersion(operand)) return undefined;
      return typeof operand === 'string'
        ? `"${clip(operand)}" is not a semantic version. Write it like 2.1.0, without a leading "v" or zero.`
        : mustBe('semantic versions as strings');
  }
}

function patternProblem(
  pattern: string,
  flags: PatternFlags,
  options: TargetingCheckOptions,
): string | undefined {
  if (compilePattern(pattern, flags) !== undefined) return options.checkPattern?.(pattern, flags);
  return `"${clip(pattern)}" is not a valid regular expression with the "u" flag. Correct it, or use contains, startsWith or endsWith.`;
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}
