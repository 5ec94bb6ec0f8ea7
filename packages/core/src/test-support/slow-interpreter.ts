import type { Condition, Evaluation, JsonValue, Rollout, Segments, TargetedValue } from '../wire.ts';

/*
 * A second implementation of the evaluation, as plain as possible and without shared code: it parses everything on every
 * call. Tests compare the two.
 */

type Context = Record<string, unknown>;

export function slowMurmur3(text: string): number {
  const bytes = [...new TextEncoder().encode(text)];
  const mask = 0xffffffffn;
  const times = (left: bigint, right: bigint): bigint => (left * right) & mask;
  const rotate = (value: bigint, by: bigint): bigint => ((value << by) | (value >> (32n - by))) & mask;
  const scramble = (block: bigint): bigint => times(rotate(times(block, 0xcc9e2d51n), 15n), 0x1b873593n);
  let hash = 0n;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) {
    const block = bytes.slice(at, at + 4).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    hash = (times(rotate(hash ^ scramble(block), 13n), 5n) + 0xe6546b64n) & mask;
  }
  hash ^= scramble(bytes.slice(at).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n));
  hash ^= BigInt(bytes.length);
  hash = times(hash ^ (hash >> 16n), 0x85ebca6bn);
  hash = times(hash ^ (hash >> 13n), 0xc2b2ae35n);
  return Number(hash ^ (hash >> 16n));
}

export function slowEvaluate(
  key: string,
  stored: JsonValue,
  context: Context,
  segments: Segments,
): Evaluation {
  if (typeof stored !== 'object' || stored === null || !Object.hasOwn(stored, '$cohort')) {
    return { value: stored, source: 'raw' };
  }
  const cohort = (stored as unknown as TargetedValue).$cohort;
  const roll = (rollout: Rollout, matched: { matchedRuleId?: string }): Evaluation => {
    const unit = slowAttribute(context, rollout.bucketBy ?? cohort.bucketBy ?? 'userId');
    if (!['string', 'number', 'boolean'].includes(typeof unit) || unit === '') {
      return { value: cohort.defaultValue, source: 'default', ...matched };
    }
    const bucket = slowMurmur3(`${rollout.salt ?? cohort.salt ?? key}:${String(unit)}`) % 10_000;
    const rolloutBucket = Math.floor(bucket / 100);
    const owners = rollout.variants.flatMap((variant, index) =>
      Array<number>(Math.round(variant.weight * 100)).fill(index),
    );
    const owner = owners[bucket];
    if (owner === undefined)
      return { value: cohort.defaultValue, source: 'default', ...matched, rolloutBucket };
    return { value: rollout.variants[owner]?.value ?? null, source: 'rollout', ...matched, rolloutBucket };
  };
  for (const rule of cohort.rules ?? []) {
    if (!slowCondition(rule.when, context, segments, [])) continue;
    if ('rollout' in rule) return roll(rule.rollout, { matchedRuleId: rule.id });
    return { value: rule.value, source: 'rule', matchedRuleId: rule.id };
  }
  return cohort.rollout === undefined
    ? { value: cohort.defaultValue, source: 'default' }
    : roll(cohort.rollout, {});
}

export function slowAttribute(context: Context, path: string): unknown {
  if (Object.hasOwn(context, path)) return context[path];
  let value: unknown = context;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name))
      return undefined;
    value = (value as Context)[name];
  }
  return value;
}

export function slowCondition(
  condition: Condition,
  context: Context,
  segments: Segments,
  active: string[],
): boolean {
  const holds = (inner: Condition): boolean => slowCondition(inner, context, segments, active);
  if ('all' in condition) return condition.all.every(holds);
  if ('any' in condition) return condition.any.some(holds);
  if ('not' in condition) return !holds(condition.not);
  if ('segment' in condition) {
    const segment = Object.hasOwn(segments, condition.segment) ? segments[condition.segment] : undefined;
    if (segment === undefined || active.includes(condition.segment)) return false;
    return slowCondition(segment, context, segments, [...active, condition.segment]);
  }
  const attribute = slowAttribute(context, condition.attribute);
  if (condition.op === 'exists') return attribute !== undefined && attribute !== null;
  if (!('values' in condition)) return false;
  const { op, values, ignoreCase } = condition;
  const candidates = Array.isArray(attribute) ? attribute : [attribute];
  return candidates.some((candidate) =>
    values.some((value) => slowPair(op, candidate, value, ignoreCase === true)),
  );
}

function slowPair(op: string, left: unknown, right: unknown, ignoreCase: boolean): boolean {
  if (op === 'in') {
    if (typeof left === 'string' && typeof right === 'string' && ignoreCase)
      return left.toLowerCase() === right.toLowerCase();
    return ['string', 'number', 'boolean'].includes(typeof left) && left === right;
  }
  if (['contains', 'startsWith', 'endsWith', 'matches'].includes(op)) {
    return typeof left === 'string' && typeof right === 'string' && slowText(op, left, right, ignoreCase);
  }
  if (['lt', 'lte', 'gt', 'gte'].includes(op)) {
    return typeof left === 'number' && typeof right === 'number' && slowOrder(op, left, right);
  }
  if (op === 'before') return slowDate(left) < slowDate(right);
  if (op === 'after') return slowDate(left) > slowDate(right);
  const order = slowVersionOrder(left, right);
  if (order === undefined) return false;
  return op === 'semverEq' ? order === 0 : op === 'semverLt' ? order < 0 : op === 'semverGt' && order > 0;
}

function slowText(op: string, left: string, right: string, ignoreCase: boolean): boolean {
  if (op === 'matches') {
    try {
      return new RegExp(right, ignoreCase ? 'iu' : 'u').test(left);
    } catch {
      return false;
    }
  }
  const [text, part] = ignoreCase ? [left.toLowerCase(), right.toLowerCase()] : [left, right];
  if (op === 'contains') return text.includes(part);
  return op === 'startsWith' ? text.startsWith(part) : text.endsWith(part);
}

function slowOrder(op: string, left: number, right: number): boolean {
  if (op === 'lt') return left < right;
  if (op === 'lte') return left <= right;
  return op === 'gt' ? left > right : left >= right;
}

export function slowDate(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return Number.NaN;
  const parts = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d(?:\.\d+)?)(Z|[+-]\d\d:\d\d)$/i.exec(value);
  // Date.parse also accepts 24:00:00, which RFC 3339 does not allow.
  if (parts === null || parts[2]?.startsWith('24')) return Number.NaN;
  // Date.parse turns 30 February into March.
  const [, date = ''] = parts;
  const day = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== date) return Number.NaN;
  return Date.parse(value.toUpperCase());
}

export function slowVersionOrder(left: unknown, right: unknown): number | undefined {
  const a = slowVersion(left);
  const b = slowVersion(right);
  if (a === undefined || b === undefined) return undefined;
  for (const [index, number] of a.core.entries()) {
    const other = b.core[index] ?? 0n;
    if (number !== other) return number < other ? -1 : 1;
  }
  if (a.pre.length === 0 || b.pre.length === 0)
    return (a.pre.length === 0 ? 1 : 0) - (b.pre.length === 0 ? 1 : 0);
  for (let index = 0; index < Math.max(a.pre.length, b.pre.length); index++) {
    const [one, two] = [a.pre[index], b.pre[index]];
    if (one === undefined || two === undefined) return one === undefined ? -1 : 1;
    if (one === two) continue;
    const [oneIsNumber, twoIsNumber] = [/^\d+$/.test(one), /^\d+$/.test(two)];
    if (oneIsNumber && twoIsNumber) return BigInt(one) < BigInt(two) ? -1 : 1;
    if (oneIsNumber !== twoIsNumber) return oneIsNumber ? -1 : 1;
    return one < two ? -1 : 1;
  }
  return 0;
}

function slowVersion(value: unknown): { core: bigint[]; pre: string[] } | undefined {
  if (typeof value !== 'string') return undefined;
  const [withoutBuild = '', ...build] = value.split('+');
  if (
    build.length > 1 ||
    build.some((text) => !text.split('.').every((part) => /^[0-9A-Za-z-]+$/.test(part)))
  )
    return undefined;
  const dash = withoutBuild.indexOf('-');
  const core = (dash < 0 ? withoutBuild : withoutBuild.slice(0, dash)).split('.');
  const pre = dash < 0 ? [] : withoutBuild.slice(dash + 1).split('.');
  if (core.length > 3 || !core.every((part) => /^(0|[1-9]\d*)$/.test(part))) return undefined;
  if (!pre.every((part) => /^[0-9A-Za-z-]+$/.test(part) && !/^0\d+$/.test(part))) return undefined;
  return { core: [0, 1, 2].map((index) => BigInt(core[index] ?? '0')), pre };
}
