import type { ConditionTrace, Explanation, JsonValue, RolloutTrace, RuleTrace } from '@smooai/config';
import type { Colors } from './colors.ts';
import { shortText, valueText } from './value-text.ts';

const MAX_VALUES = 5;

/** Formats an explanation for a reader: the value, then each rule with its conditions. */
export function explanationText(
  input: { title: string; explanation: Explanation; stored: JsonValue | undefined },
  colors: Colors,
): string {
  const { title, explanation, stored } = input;
  const lines = [
    `${title}: ${valueText(explanation.evaluation.value)}`,
    `  ${reasonFor(explanation, stored)}`,
  ];
  for (const rule of explanation.rules) lines.push(...ruleLines(rule, colors));
  if (explanation.rollout !== undefined)
    lines.push(`- rollout for everyone else: ${rolloutText(explanation.rollout)}`);
  return lines.join('\n');
}

function reasonFor({ evaluation, isTargeted }: Explanation, stored: JsonValue | undefined): string {
  if (stored === undefined) return "no value is stored: the schema's default";
  if (!isTargeted) return 'stored for everyone';
  const rule =
    evaluation.matchedRuleId === undefined ? undefined : `rule ${quoted(evaluation.matchedRuleId)}`;
  switch (evaluation.source) {
    case 'rule':
      return `${rule ?? 'a rule'} matched`;
    case 'rollout':
      return `by the rollout of ${rule ?? 'the flag'}`;
    default:
      return rule === undefined
        ? 'the default: no rule or rollout returned a value'
        : `the default: ${rule} matched, but its rollout returned no value`;
  }
}

const SIGNS = { matched: '✓', 'not-matched': '✗', 'not-reached': '-', malformed: '!' } as const;

function ruleLines(rule: RuleTrace, colors: Colors): string[] {
  const { outcome, when, rollout, id, index } = rule;
  const name = id === undefined ? `rule ${index}` : `rule ${quoted(id)}`;
  const word = outcome === 'matched' || outcome === 'not-matched' ? '' : ` (${outcome.replace('-', ' ')})`;
  const text = `${SIGNS[outcome]} ${name}${word}`;
  const lines = [
    outcome === 'matched' ? colors.green(text) : outcome === 'malformed' ? colors.red(text) : text,
  ];
  if (when !== undefined) lines.push(...conditionLines(when, '    '));
  if (rollout !== undefined) lines.push(`    rollout: ${rolloutText(rollout)}`);
  return lines;
}

function conditionLines(trace: ConditionTrace, indent: string): string[] {
  const sign = trace.matched ? '✓' : '✗';
  const reason = trace.reason === undefined ? '' : `: ${trace.reason}`;
  const members = 'members' in trace ? trace.members : [];
  return [
    `${indent}${sign} ${conditionText(trace)}${reason}`,
    ...members.flatMap((member) => conditionLines(member, `${indent}  `)),
  ];
}

function conditionText(trace: ConditionTrace): string {
  switch (trace.form) {
    case 'attribute': {
      const { attribute, op, values, kind, ignoreCase } = trace;
      const operands = values === undefined ? '' : ` ${valuesText(values)}`;
      return `${shortText(attribute)} ${op}${operands}${ignoreCase === true ? ' (any case)' : ''} [${kind}]`;
    }
    case 'segment':
      return `segment ${quoted(trace.segment)}`;
    default:
      return trace.form === 'malformed' ? 'malformed' : `${trace.form} of`;
  }
}

function valuesText(values: readonly JsonValue[]): string {
  const shown = values.slice(0, MAX_VALUES).map((value) => shortText(JSON.stringify(value)));
  const rest = values.length - shown.length;
  return `${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

function rolloutText(rollout: RolloutTrace): string {
  const { outcome, bucketBy, bucket, kind, variant, ends } = rollout;
  if (outcome === 'malformed') return 'malformed, so it returns no value';
  const by = shortText(bucketBy ?? '');
  if (outcome === 'nothing-to-bucket-by') return `nothing to bucket by: ${by} [${kind}]`;
  const result =
    variant === undefined
      ? `outside its ${ends?.length ?? 0} ${ends?.length === 1 ? 'variant' : 'variants'}`
      : `variant ${variant + 1} of ${ends?.length ?? 0}`;
  return `bucket ${bucket} of 10000 by ${by}: ${result}`;
}

function quoted(text: string): string {
  return `"${shortText(text)}"`;
}
