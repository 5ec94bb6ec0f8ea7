import { isRecord, ownProperty } from '../../lib/record.ts';
import type { JsonValue } from '../../wire.ts';
import { BUCKETS } from '../bucket.ts';
import { conditionForm, conditionMembers, MAX_CONDITION_DEPTH } from '../conditions.ts';
import { checkConditionAt } from './condition-check.ts';
import {
  clip,
  IssueList,
  join,
  kindOf,
  type TargetingCheckOptions,
  type TargetingIssue,
} from './targeting-issues.ts';

export { checkCondition } from './condition-check.ts';
export type { PatternFlags, TargetingCheckOptions, TargetingIssue } from './targeting-issues.ts';

const MAX_RULES = 1_000;
const COHORT_FIELDS = ['rules', 'rollout', 'bucketBy', 'salt', 'defaultValue'];

/**
 * What is wrong with a stored value of a flag or limit, in the order of the document; empty where it may be stored.
 * A value without `$cohort` is only given to `checkValue`. At most 100 issues are listed.
 *
 * @example
 * const [issue] = checkTargeting(stored, { segments: new Set(['insiders']) });
 * // { path: '$cohort.rules[0].when.op', message: 'Unknown operator: "equals". Use one of …' }
 */
export function checkTargeting(stored: JsonValue, options: TargetingCheckOptions = {}): TargetingIssue[] {
  const list = new IssueList(options);
  if (!isRecord(stored) || !Object.hasOwn(stored, '$cohort')) {
    checkAnswer(stored, '', list);
    return list.issues;
  }
  const cohort = stored.$cohort;
  if (isRecord(cohort)) checkCohort(cohort, '$cohort', list);
  else
    list.add(
      '$cohort',
      `"$cohort" must be an object, but it is ${kindOf(cohort)}. Give at least { "defaultValue": … }.`,
    );
  list.refuseOthers(stored, '', ['$cohort']);
  return list.issues;
}

/** Names of the segments that a stored value, or a single condition, refers to by itself. */
export function segmentsUsed(stored: unknown): Set<string> {
  const names = new Set<string>();
  const cohort = isRecord(stored) ? ownProperty(stored, '$cohort') : undefined;
  if (cohort === undefined) {
    collectSegments(stored, names, MAX_CONDITION_DEPTH);
    return names;
  }
  const rules = isRecord(cohort) ? ownProperty(cohort, 'rules') : undefined;
  for (const rule of Array.isArray(rules) ? (rules as unknown[]) : []) {
    if (isRecord(rule)) collectSegments(ownProperty(rule, 'when'), names, MAX_CONDITION_DEPTH);
  }
  return names;
}

function collectSegments(condition: unknown, names: Set<string>, levels: number): void {
  if (!isRecord(condition) || levels === 0) return;
  if (conditionForm(condition) === 'segment' && typeof condition.segment === 'string') {
    names.add(condition.segment);
  }
  for (const member of conditionMembers(condition)) collectSegments(member, names, levels - 1);
}

function checkCohort(cohort: Record<string, unknown>, path: string, list: IssueList): void {
  const rules = ownProperty(cohort, 'rules');
  if (rules !== undefined) checkRules(rules, join(path, 'rules'), list);
  if (Object.hasOwn(cohort, 'rollout')) checkRollout(cohort.rollout, join(path, 'rollout'), list);
  checkBucketing(cohort, path, list);
  if (Object.hasOwn(cohort, 'defaultValue')) {
    checkAnswer(cohort.defaultValue, join(path, 'defaultValue'), list);
  } else {
    list.add(
      join(path, 'defaultValue'),
      '"defaultValue" is missing. Give the value for everyone whom no rule matches.',
    );
  }
  list.refuseOthers(cohort, path, COHORT_FIELDS);
}

function checkRules(rules: unknown, path: string, list: IssueList): void {
  if (!Array.isArray(rules)) {
    list.add(path, `"rules" must be a list, but it is ${kindOf(rules)}.`);
    return;
  }
  if (rules.length > MAX_RULES) {
    list.add(
      path,
      `There are ${rules.length} rules; at most ${MAX_RULES} are allowed. Join rules of the same value, or use a segment.`,
    );
    return;
  }
  const ids = new Map<string, number>();
  for (const [index, rule] of (rules as unknown[]).entries()) {
    const at = `${path}[${index}]`;
    if (!isRecord(rule)) {
      list.add(at, `A rule must be an object, but it is ${kindOf(rule)}.`);
      continue;
    }
    checkRuleId(rule, at, index, ids, list);
    checkRule(rule, at, list);
  }
}

function checkRuleId(
  rule: Record<string, unknown>,
  path: string,
  index: number,
  ids: Map<string, number>,
  list: IssueList,
): void {
  const id = ownProperty(rule, 'id');
  const at = join(path, 'id');
  if (typeof id !== 'string' || id === '') {
    list.add(at, '"id" must be a text that is not empty. Give each rule a name of its own.');
    return;
  }
  const other = ids.get(id);
  if (other === undefined) ids.set(id, index);
  else list.add(at, `"${clip(id)}" is already the id of rule ${other}. Give each rule a name of its own.`);
}

function checkRule(rule: Record<string, unknown>, path: string, list: IssueList): void {
  if (Object.hasOwn(rule, 'when')) checkConditionAt(rule.when, join(path, 'when'), list);
  else list.add(join(path, 'when'), '"when" is missing. Give the condition; { "all": [] } matches everyone.');
  const hasValue = Object.hasOwn(rule, 'value');
  const hasRollout = Object.hasOwn(rule, 'rollout');
  if (hasValue === hasRollout) {
    list.add(
      path,
      `The rule has ${hasValue ? 'both "value" and "rollout"' : 'neither "value" nor "rollout"'}. Give exactly one.`,
    );
  }
  if (hasValue) checkAnswer(rule.value, join(path, 'value'), list);
  if (hasRollout) checkRollout(rule.rollout, join(path, 'rollout'), list);
  list.refuseOthers(rule, path, ['id', 'when', 'value', 'rollout']);
}

function checkRollout(rollout: unknown, path: string, list: IssueList): void {
  if (!isRecord(rollout)) {
    list.add(path, `"rollout" must be an object, but it is ${kindOf(rollout)}. Give { "variants": [ … ] }.`);
    return;
  }
  const variants = ownProperty(rollout, 'variants');
  if (Array.isArray(variants)) checkVariants(variants, join(path, 'variants'), list);
  else list.add(join(path, 'variants'), `"variants" must be a list, but it is ${kindOf(variants)}.`);
  checkBucketing(rollout, path, list);
  list.refuseOthers(rollout, path, ['variants', 'bucketBy', 'salt']);
}

function checkVariants(variants: readonly unknown[], path: string, list: IssueList): void {
  let buckets = 0;
  for (const [index, variant] of variants.entries()) {
    const at = `${path}[${index}]`;
    if (!isRecord(variant)) {
      list.add(at, `A variant must be an object, but it is ${kindOf(variant)}. Give { "value", "weight" }.`);
      continue;
    }
    if (Object.hasOwn(variant, 'value')) checkAnswer(variant.value, join(at, 'value'), list);
    else list.add(join(at, 'value'), '"value" is missing. Give the value of this variant.');
    const weight = ownProperty(variant, 'weight');
    const problem = weightProblem(weight);
    if (problem !== undefined) list.add(join(at, 'weight'), problem);
    else buckets += Math.round(Number(weight) * 100);
    list.refuseOthers(variant, at, ['value', 'weight']);
  }
  if (buckets > BUCKETS) {
    list.add(path, `The weights come to ${buckets / 100} %. Lower them to 100 % or less.`);
  }
}

function weightProblem(weight: unknown): string | undefined {
  if (typeof weight !== 'number') return `"weight" must be a number of percent, but it is ${kindOf(weight)}.`;
  if (!(weight >= 0 && weight <= 100))
    return `"weight" must lie between 0 and 100 percent, but it is ${weight}.`;
  if (Number(weight.toFixed(2)) !== weight)
    return `"weight" ${weight} has more than two decimals. Round it to a hundredth of a percent.`;
  return undefined;
}

function checkBucketing(record: Record<string, unknown>, path: string, list: IssueList): void {
  const bucketBy = ownProperty(record, 'bucketBy');
  if (bucketBy !== undefined && (typeof bucketBy !== 'string' || bucketBy === '')) {
    list.add(
      join(path, 'bucketBy'),
      '"bucketBy" must be the name or path of an attribute, such as "userId".',
    );
  }
  const salt = ownProperty(record, 'salt');
  if (salt !== undefined && typeof salt !== 'string') {
    list.add(join(path, 'salt'), `"salt" must be a text, but it is ${kindOf(salt)}.`);
  }
}

function checkAnswer(value: unknown, path: string, list: IssueList): void {
  const problem = list.options.checkValue?.(value as JsonValue);
  if (problem !== undefined) list.add(path, problem);
}
