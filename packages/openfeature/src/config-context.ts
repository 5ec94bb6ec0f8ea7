import type { EvaluationContext } from '@openfeature/core';

/** Deeper dates stay as they are: no rule of a sensible configuration looks there. */
const MAX_DEPTH = 8;

/**
 * The context that flags are evaluated for: `targetingKey` also becomes `userId`, which rollouts use by default. A context
 * that has its own `userId` keeps it. Dates become RFC 3339 strings, as the `before` and `after` operators need.
 */
export function toConfigContext(context: EvaluationContext): Readonly<Record<string, unknown>> {
  const plain = withoutDates(context, 0) as EvaluationContext;
  const { targetingKey, userId } = plain;
  if (targetingKey === undefined || (userId !== undefined && userId !== null)) return plain;
  return { ...plain, userId: targetingKey };
}

function withoutDates(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (Array.isArray(value)) {
    return value.some((item) => typeof item === 'object')
      ? value.map((item) => withoutDates(item, depth + 1))
      : value;
  }
  let copy: Record<string, unknown> | undefined;
  for (const [name, member] of Object.entries(value)) {
    const plain = withoutDates(member, depth + 1);
    if (plain === member) continue;
    copy ??= { ...value };
    copy[name] = plain;
  }
  return copy ?? value;
}
