import { TIERS } from '../tiers.ts';
import type { Ruleset, RulesetPatch } from '../wire.ts';

/** Whether a parsed JSON value has the shape of a ruleset. Values of keys are checked later, by the schema. */
export function isRuleset(value: unknown): value is Ruleset {
  return (
    isRecord(value) &&
    isRevision(value.revision) &&
    (value.epoch === undefined || typeof value.epoch === 'string') &&
    typeof value.environment === 'string' &&
    TIERS.every(({ ruleset }) => isRecord(value[ruleset])) &&
    isRecord(value.segments)
  );
}

/** Whether a parsed JSON value has the shape of a `change` event's data. */
export function isRulesetPatch(value: unknown): value is RulesetPatch {
  return (
    isRecord(value) &&
    isRevision(value.revision) &&
    (value.previousRevision === undefined || isRevision(value.previousRevision)) &&
    Array.isArray(value.changes) &&
    value.changes.every(isChange)
  );
}

function isChange(value: unknown): boolean {
  if (!isRecord(value)) return false;
  if ('segments' in value) return isRecord(value.segments);
  return (
    TIERS.some(({ tier }) => tier === value.tier) &&
    typeof value.key === 'string' &&
    ('value' in value || value.deleted === true)
  );
}

function isRevision(value: unknown): boolean {
  return typeof value === 'string' && /^\d+$/.test(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
