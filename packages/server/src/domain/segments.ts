import { isDeepStrictEqual } from 'node:util';
import { type Condition, compileSegments, type JsonValue } from '@smooai/config';
import { clip } from '../lib/clip.ts';
import type { Principal } from '../principal.ts';
import type { Environment, Storage, StorageOperations, StoredSegment } from '../storage/storage.ts';
import { findEnvironmentByName } from './access.ts';
import type { WriteTransaction } from './change-writer.ts';
import type { DomainParts } from './domain-parts.ts';
import {
  type EffectiveValues,
  readDependents,
  readEffectiveSegments,
  readEffectiveValues,
  toConditions,
} from './effective-values.ts';
import type { EnvironmentView } from './environment-view.ts';
import { type Precondition, type Present, requirePrecondition } from './precondition.ts';
import { Refusal } from './refusal.ts';
import { findNewlyTooLarge, findSegmentCycle, segmentUses } from './segment-use.ts';
import { checkJsonLimits, MAX_CONDITION_BYTES, MAX_ROWS } from './validation/json-limits.ts';
import { patternsIn } from './validation/pattern-check.ts';
import { RequestChecks } from './validation/request-checks.ts';
import { checkSegmentCondition } from './validation/value-check.ts';

/** The pattern of segment names. */
const SEGMENT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** The segment that a write is about. */
export interface SegmentTarget {
  /** The name of the environment. */
  environment: string;
  name: string;
  precondition?: Precondition | undefined;
}

/** Reading and writing segments. */
export class Segments {
  readonly #storage: Storage;
  readonly #parts: DomainParts;

  constructor(storage: Storage, parts: DomainParts) {
    this.#storage = storage;
    this.#parts = parts;
  }

  /** The segments that the environment sees, sorted by name; `environmentId` shows which belong to a fallback. */
  list(view: EnvironmentView): StoredSegment[] {
    return [...view.segments.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** A segment that the environment sees. @throws {Refusal} `not-found` */
  get({ environment, segments }: EnvironmentView, name: string): StoredSegment {
    const segment = segments.get(name);
    if (segment !== undefined) return segment;
    throw new Refusal('not-found', `"${environment.name}" has no segment "${clip(name)}".`);
  }

  /** The version of a segment, which depends on what it says alone. */
  versionOf(segment: StoredSegment): string {
    return versionOf(this.#storage, segment);
  }

  /**
   * Creates or replaces a segment.
   * @throws {Refusal} `invalid`, `too-large`, `not-found`, `forbidden`, `precondition-failed`, `conflict` for a cycle, or
   * if a key or segment becomes too large to evaluate
   */
  async put(
    principal: Principal,
    target: SegmentTarget,
    input: { condition: unknown; description?: string | null },
  ): Promise<StoredSegment> {
    const { name } = target;
    if (!SEGMENT_NAME.test(name)) {
      throw new Refusal(
        'invalid',
        'The "name" of a segment must be 1 to 100 letters, digits, dots, dashes or underscores, and start with a letter ' +
          'or digit.',
      );
    }
    checkJsonLimits(input.condition, 'condition', MAX_CONDITION_BYTES);
    const checkPattern = await this.#parts.patterns.prepare(
      patternsIn(input.condition as JsonValue),
      new RequestChecks(this.#parts.checks, principal),
    );
    return this.#parts.writer.run(async (transaction) => {
      const { operations, now } = transaction;
      const environment = await findEnvironmentByName(operations, principal, target.environment);
      const known = await readEffectiveSegments(operations, environment);
      if (known.size >= MAX_ROWS && !known.has(name)) {
        throw new Refusal(
          'conflict',
          `The environment has ${MAX_ROWS} segments, the maximum. Delete one first.`,
        );
      }
      const { condition } = input;
      // With the new condition, because the segment may be new or refer to itself.
      const segments = compileSegments({ ...toConditions(known), [name]: condition as Condition });
      checkSegmentCondition(condition, { segments, checkPattern });
      await requireSegment(operations, { ...target, environment, segments: known });
      const viewers = await readViewers(operations, environment);
      const stored = await operations.upsertSegment({
        organizationId: principal.organizationId,
        environmentId: environment.id,
        name,
        condition,
        description: input.description ?? null,
        updatedBy: principal.clientId,
        createdAt: now,
        updatedAt: now,
      });
      for (const viewer of viewers) {
        const after = await readEffectiveValues(operations, viewer.environment);
        const cycle = findSegmentCycle(after.segments, name);
        if (cycle !== undefined) {
          throw new Refusal(
            'conflict',
            `Field "condition" would create a cycle of segments: ${cycle.join(' → ')}.`,
          );
        }
        refuseTooLarge(viewer, after, 'Field "condition"');
        recordSegments(transaction, viewer, { after: after.segments, always: isSame(viewer, environment) });
      }
      return stored;
    });
  }

  /**
   * Deletes an environment's own segment; its clients then see the one of the fallback, if any.
   * @throws {Refusal} `not-found`, `forbidden`, `precondition-failed`, `conflict` while a value or segment still needs it
   */
  async delete(principal: Principal, target: SegmentTarget): Promise<void> {
    const { name } = target;
    await this.#parts.writer.run(async (transaction) => {
      const { operations } = transaction;
      const environment = await findEnvironmentByName(operations, principal, target.environment);
      const viewers = await readViewers(operations, environment);
      const segments = viewers.find((viewer) => isSame(viewer, environment))?.before;
      if (!(await operations.deleteSegment(environment.id, name))) {
        throw new Refusal('not-found', `"${environment.name}" has no segment "${clip(name)}" of its own.`);
      }
      await requireSegment(operations, { ...target, environment, segments });
      for (const viewer of viewers) {
        const after = await readEffectiveValues(operations, viewer.environment);
        const users = segmentUses(after).filter((use) => use.segment === name);
        if (!after.segments.has(name) && users.length > 0) {
          const list = users.slice(0, 20).map((use) => use.user);
          throw new Refusal(
            'conflict',
            `The segment "${name}" is used in "${viewer.environment.name}" by ${list.join(', ')}. Change that first.`,
            { fields: { usedBy: users.map((use) => use.user) } },
          );
        }
        refuseTooLarge(viewer, after, `The fallback's segment "${name}"`);
        recordSegments(transaction, viewer, { after: after.segments, always: isSame(viewer, environment) });
      }
    });
  }
}

function versionOf(operations: StorageOperations, { name, condition, description }: StoredSegment): string {
  return operations.fingerprint([name, condition, description]);
}

/** @throws {Refusal} `precondition-failed` */
async function requireSegment(
  operations: StorageOperations,
  {
    environment,
    segments,
    name,
    precondition,
  }: Omit<SegmentTarget, 'environment'> & {
    environment: Environment;
    /** Those that the environment sees before the write. */
    segments: ReadonlyMap<string, StoredSegment> | undefined;
  },
): Promise<void> {
  if (precondition === undefined) return;
  const stored = segments?.get(name);
  const served: Present | undefined = stored && {
    version: versionOf(operations, stored),
    updatedBy: stored.updatedBy,
    updatedAt: stored.updatedAt,
  };
  await requirePrecondition(operations, precondition, {
    subject: `The segment "${name}" of "${environment.name}"`,
    phrases: { exists: 'exists already', isMissing: 'does not exist' },
    own: stored?.environmentId === environment.id ? served : undefined,
    served,
  });
}

/** @throws {Refusal} `conflict` if a key or segment becomes too large to evaluate */
function refuseTooLarge(viewer: Viewer, after: EffectiveValues, subject: string): void {
  const user = findNewlyTooLarge({ values: after.values, segments: viewer.before }, after);
  if (user === undefined) return;
  throw new Refusal(
    'conflict',
    `${subject} makes ${user} in "${viewer.environment.name}" exceed the limit on conditions or nesting. ` +
      'Simplify it, or refer to fewer segments.',
  );
}

interface Viewer {
  environment: Environment;
  before: ReadonlyMap<string, StoredSegment>;
}

/** The environment and its dependents, each with the segments that it sees before the write. */
async function readViewers(operations: StorageOperations, environment: Environment): Promise<Viewer[]> {
  const viewers: Viewer[] = [];
  for (const entry of await readDependents(operations, environment)) {
    viewers.push({ environment: entry, before: await readEffectiveSegments(operations, entry) });
  }
  return viewers;
}

function isSame(viewer: Viewer, environment: Environment): boolean {
  return viewer.environment.id === environment.id;
}

function recordSegments(
  transaction: WriteTransaction,
  viewer: Viewer,
  { after, always }: { after: ReadonlyMap<string, StoredSegment>; always: boolean },
): void {
  const [old, next] = [toConditions(viewer.before), toConditions(after)];
  if (always || !isDeepStrictEqual(old, next))
    transaction.record(viewer.environment.id, [{ segments: next }]);
}
