import { isRecord, ownProperty } from '../../lib/record.ts';
import type { JsonValue } from '../../wire.ts';
import { BUCKETS } from '../bucket.ts';
import { conditionForm, conditionMembers, MAX_CONDITION_DEPTH } from '../conditions.ts';
import { checkConditionAt } from './condition-check.ts';
import { clip, kindOf, Place, type TargetingCheckOptions, type TargetingIssue } from './targeting-issues.ts';

const MAX_RULES = 1_000;
const COHORT_FIELDS = ['rules', 'rollout', 'bucketBy', 'salt', 'defaultValue'];

/**
 * Checks a flag's or limit's value before it is stored. Returns its issues in document order, at most 100; none if it
 * may be stored. For a value without `$cohort`, only `checkValue` is called.
 *
 * @example
 * const [issue] = checkTargeting(stored, { segments: new Set(['insiders']) });
 * // { path: '$cohort.rules[0].when.op', message: 'Unknown operator: "equals". Use one of …' }
 */
export function checkTargeting(stored: JsonValue, options: TargetingCheckOptions = {}): TargetingIssue[] {
  const root = Place.root(options);
  if (!isRecord(stored) || !Object.hasOwn(stored, '$cohort')) {
    checkValue(stored, root);
    return root.issues;
  }
  const cohort = stored.$cohort;
  const place = root.property('$cohort');
  if (isRecord(cohort)) checkCohort(cohort, place);
  else {
    place.report(
      `"$cohort" must be an object, but it is ${kindOf(cohort)}. Give at least { "defaultValue": … }.`,
    );
  }
  root.reportOthers(stored, ['$cohort']);
  return root.issues;
}

/** Names of the segments that a stored value or a condition refers to directly. */
export function segmentsUsed(stored: unknown): Set<string> {
  const names = new Set<string>();
  forEachSegment(stored, (name) => names.add(name));
  return names;
}

/** Calls `visit` with the name of each segment that a stored value or a condition refers to directly. */
export function forEachSegment(stored: unknown, visit: (name: string) => unknown): void {
  const cohort = isRecord(stored) ? ownProperty(stored, '$cohort') : undefined;
  if (cohort === undefined) {
    visitSegments(stored, visit, MAX_CONDITION_DEPTH);
    return;
  }
  const rules = isRecord(cohort) ? ownProperty(cohort, 'rules') : undefined;
  if (!Array.isArray(rules)) return;
  for (let index = 0; index < rules.length; index++) {
    const rule: unknown = rules[index];
    if (isRecord(rule)) visitSegments(ownProperty(rule, 'when'), visit, MAX_CONDITION_DEPTH);
  }
}

function visitSegments(condition: unknown, visit: (name: string) => unknown, levels: number): void {
  if (!isRecord(condition) || levels === 0) return;
  const form = conditionForm(condition);
  if (form === 'attribute') return;
  if (form === 'segment' && typeof condition.segment === 'string') visit(condition.segment);
  for (const member of conditionMembers(condition)) visitSegments(member, visit, levels - 1);
}

function checkCohort(cohort: Record<string, unknown>, place: Place): void {
  const rules = ownProperty(cohort, 'rules');
  if (rules !== undefined) checkRules(rules, place.property('rules'));
  if (Object.hasOwn(cohort, 'rollout')) checkRollout(cohort.rollout, place.property('rollout'));
  checkBucketing(cohort, place);
  const defaultPlace = place.property('defaultValue');
  if (Object.hasOwn(cohort, 'defaultValue')) checkValue(cohort.defaultValue, defaultPlace);
  else {
    defaultPlace.report('"defaultValue" is missing. Give the value for everyone whom no rule matches.');
  }
  place.reportOthers(cohort, COHORT_FIELDS);
}

function checkRules(rules: unknown, place: Place): void {
  if (!Array.isArray(rules)) {
    place.report(`"rules" must be a list, but it is ${kindOf(rules)}.`);
    return;
  }
  if (rules.length > MAX_RULES) {
    place.report(
      `There are ${rules.length} rules; at most ${MAX_RULES} are allowed. Join rules with the same value, or use a segment.`,
    );
    return;
  }
  const indexById = new Map<string, number>();
  for (const [index, rule] of (rules as unknown[]).entries()) {
    const rulePlace = place.element(index);
    if (!isRecord(rule)) {
      rulePlace.report(`A rule must be an object, but it is ${kindOf(rule)}.`);
      continue;
    }
    const id = ownProperty(rule, 'id');
    const problem = idProblem(id, indexById);
    if (problem === undefined) indexById.set(id as string, index);
    else rulePlace.property('id').report(problem);
    checkRule(rule, rulePlace);
  }
}

function idProblem(id: unknown, indexById: ReadonlyMap<string, number>): string | undefined {
  const remedy = 'Give each rule a name of its own.';
  if (typeof id !== 'string' || id === '') return `"id" must be a non-empty string. ${remedy}`;
  const other = indexById.get(id);
  return other === undefined ? undefined : `"${clip(id)}" is already the id of rule ${other}. ${remedy}`;
}

function checkRule(rule: Record<string, unknown>, place: Place): void {
  if (Object.hasOwn(rule, 'when')) checkConditionAt(rule.when, place.property('when'));
  else {
    place.property('when').report('"when" is missing. Give the condition; { "all": [] } matches everyone.');
  }
  const hasValue = Object.hasOwn(rule, 'value');
  const hasRollout = Object.hasOwn(rule, 'rollout');
  if (hasValue === hasRollout) {
    place.report(
      `The rule has ${hasValue ? 'both "value" and "rollout"' : 'neither "value" nor "rollout"'}. Give exactly one.`,
    );
  }
  if (hasValue) checkValue(rule.value, place.property('value'));
  if (hasRollout) checkRollout(rule.rollout, place.property('rollout'));
  place.reportOthers(rule, ['id', 'when', 'value', 'rollout']);
}

function checkRollout(rollout: unknown, place: Place): void {
  if (!isRecord(rollout)) {
    place.report(`"rollout" must be an object, but it is ${kindOf(rollout)}. Give { "variants": [ … ] }.`);
    return;
  }
  const variants = ownProperty(rollout, 'variants');
  const variantsPlace = place.property('variants');
  if (Array.isArray(variants)) checkVariants(variants, variantsPlace);
  else variantsPlace.report(`"variants" must be a list, but it is ${kindOf(variants)}.`);
  checkBucketing(rollout, place);
  place.reportOthers(rollout, ['variants', 'bucketBy', 'salt']);
}

function checkVariants(variants: readonly unknown[], place: Place): void {
  let buckets = 0;
  for (const [index, variant] of variants.entries()) {
    const variantPlace = place.element(index);
    if (!isRecord(variant)) {
      variantPlace.report(
        `A variant must be an object, but it is ${kindOf(variant)}. Give { "value", "weight" }.`,
      );
      continue;
    }
    const valuePlace = variantPlace.property('value');
    if (Object.hasOwn(variant, 'value')) checkValue(variant.value, valuePlace);
    else valuePlace.report('"value" is missing. Give the value of this variant.');
    const weight = ownProperty(variant, 'weight');
    const problem = weightProblem(weight);
    if (problem === undefined) buckets += Math.round(Number(weight) * 100);
    else variantPlace.property('weight').report(problem);
    variantPlace.reportOthers(variant, ['value', 'weight']);
  }
  if (buckets > BUCKETS) {
    place.report(`The weights add up to ${buckets / 100} %. Lower them to 100 % or less.`);
  }
}

function weightProblem(weight: unknown): string | undefined {
  if (typeof weight !== 'number') return `"weight" must be a number of percent, but it is ${kindOf(weight)}.`;
  if (!(weight >= 0 && weight <= 100))
    return `"weight" must be between 0 and 100 percent, but it is ${weight}.`;
  if (Number(weight.toFixed(2)) !== weight)
    return `"weight" ${weight} has more than two decimals. Round it to a hundredth of a percent.`;
  return undefined;
}

function checkBucketing(record: Record<string, unknown>, place: Place): void {
  const bucketBy = ownProperty(record, 'bucketBy');
  if (bucketBy !== undefined && (typeof bucketBy !== 'string' || bucketBy === '')) {
    place
      .property('bucketBy')
      .report('"bucketBy" must be the name or path of an attribute, such as "userId".');
  }
  const salt = ownProperty(record, 'salt');
  if (salt !== undefined && typeof salt !== 'string') {
    place.property('salt').report(`"salt" must be a string, but it is ${kindOf(salt)}.`);
  }
}

function checkValue(value: unknown, place: Place): void {
  const problem = place.options.checkValue?.(value as JsonValue);
  if (problem !== undefined) place.report(problem);
}
