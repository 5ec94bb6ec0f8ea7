import {
  type AnyConfig,
  checkTargeting,
  isTargetable,
  type JsonValue,
  type KeyDefinition,
  tierNames,
} from '@smooai/config';
import type { StoredValues } from '../stored-values.ts';

/** A stored value that a schema rejects, with the environments that have it. */
export interface InvalidValue {
  fullName: string;
  message: string;
  environments: string[];
}

/** Finds the stored values that `config` rejects. Messages never repeat the value of a secret. */
export function findInvalidValues(config: AnyConfig, stored: readonly StoredValues[]): InvalidValue[] {
  const found = new Map<string, InvalidValue>();
  for (const values of stored) {
    for (const definition of config.keys.values()) {
      const value = values.get(definition);
      const message = value === undefined ? undefined : checkStored(definition, value);
      if (message === undefined) continue;
      const fullName = `${tierNames(definition.tier).group}.${definition.key}`;
      const known = found.get(`${fullName}: ${message}`);
      if (known === undefined) {
        found.set(`${fullName}: ${message}`, { fullName, message, environments: [values.environment] });
      } else known.environments.push(values.environment);
    }
  }
  return [...found.values()];
}

function checkStored(definition: KeyDefinition, value: JsonValue): string | undefined {
  const checkValue = (single: JsonValue): string | undefined => checkSingle(definition, single);
  if (!isTargetable(definition.tier)) return checkValue(value);
  const [issue] = checkTargeting(value, { checkValue });
  if (issue === undefined) return undefined;
  return issue.path === '' ? issue.message : `at ${issue.path}: ${issue.message}`;
}

function checkSingle(definition: KeyDefinition, value: JsonValue): string | undefined {
  if (definition.limit !== undefined) return checkNumber(definition.limit, value);
  const result = definition.validator?.['~standard'].validate(value);
  if (result === undefined || result instanceof Promise || result.issues === undefined) return undefined;
  // A validator's message may quote the value.
  if (definition.tier === 'secret') return 'does not match its schema';
  return result.issues[0]?.message ?? 'does not match its schema';
}

function checkNumber(limit: { min?: number; max?: number }, value: JsonValue): string | undefined {
  if (typeof value !== 'number') return 'is not a number';
  if (limit.min !== undefined && value < limit.min) return `is below the minimum ${limit.min}`;
  if (limit.max !== undefined && value > limit.max) return `is above the maximum ${limit.max}`;
  return undefined;
}
