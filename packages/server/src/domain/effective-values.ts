import { isDeepStrictEqual } from 'node:util';
import type { Condition, RulesetChange } from '@smooai/config';
import type { Environment, StorageOperations, StoredSegment, StoredValue } from '../storage/storage.ts';

/** Longest chain of fallbacks, not counting the environment itself. */
export const MAX_FALLBACKS = 5;

/** The part of a stored value that clients see. */
export type EffectiveValue = Pick<StoredValue, 'tier' | 'key' | 'value'>;

/** What clients of an environment see: its own values and segments, completed from its fallbacks. */
export interface EffectiveValues {
  readonly values: ReadonlyMap<string, EffectiveValue>;
  readonly segments: ReadonlyMap<string, StoredSegment>;
}

/** The environment and its fallbacks, nearest first. */
export async function fallbackChain(
  operations: StorageOperations,
  environment: Environment,
): Promise<Environment[]> {
  const chain = [environment];
  let next = environment.fallbackEnvironmentId;
  while (next !== null && chain.length <= MAX_FALLBACKS) {
    const fallback = await operations.findEnvironment(next);
    if (fallback === undefined || chain.some((entry) => entry.id === fallback.id)) break;
    chain.push(fallback);
    next = fallback.fallbackEnvironmentId;
  }
  return chain;
}

/** Reads the values and segments that an environment sees. */
export async function readEffectiveValues(
  operations: StorageOperations,
  environment: Environment,
): Promise<EffectiveValues> {
  const values = new Map<string, EffectiveValue>();
  for (const entry of await fallbackChain(operations, environment)) {
    for (const value of await operations.listValues(entry.id)) {
      if (!values.has(value.key)) values.set(value.key, value);
    }
  }
  return { values, segments: await readEffectiveSegments(operations, environment) };
}

/** Reads the segments that an environment sees. */
export async function readEffectiveSegments(
  operations: StorageOperations,
  environment: Environment,
): Promise<Map<string, StoredSegment>> {
  const segments = new Map<string, StoredSegment>();
  for (const entry of await fallbackChain(operations, environment)) {
    for (const segment of await operations.listSegments(entry.id)) {
      if (!segments.has(segment.name)) segments.set(segment.name, segment);
    }
  }
  return segments;
}

/** Segments in the form of the wire protocol. */
export function toConditions(segments: ReadonlyMap<string, StoredSegment>): Record<string, Condition> {
  return Object.fromEntries([...segments].map(([name, segment]) => [name, segment.condition]));
}

/** The environment and all that fall back to it, directly or indirectly. */
export async function readDependents(
  operations: StorageOperations,
  environment: Environment,
): Promise<Environment[]> {
  const all = await operations.listEnvironments(environment.organizationId);
  const found = [environment];
  // The list grows during the loop.
  for (const parent of found) {
    for (const child of all) {
      if (child.fallbackEnvironmentId === parent.id && !found.some((entry) => entry.id === child.id)) {
        found.push(child);
      }
    }
  }
  return found;
}

/** The changes that turn one view of an environment into another. */
export function diffEffectiveValues(before: EffectiveValues, after: EffectiveValues): RulesetChange[] {
  const changes: RulesetChange[] = [];
  for (const { tier, key, value } of after.values.values()) {
    const previous = before.values.get(key);
    if (previous === undefined || previous.tier !== tier || !isDeepStrictEqual(previous.value, value)) {
      changes.push({ tier, key, value });
    }
  }
  for (const { tier, key } of before.values.values()) {
    if (!after.values.has(key)) changes.push({ tier, key, deleted: true });
  }
  const [old, next] = [toConditions(before.segments), toConditions(after.segments)];
  if (!isDeepStrictEqual(old, next)) changes.push({ segments: next });
  return changes;
}
