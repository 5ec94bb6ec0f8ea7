import type { Snapshot, SnapshotPatch } from '../wire.ts';

/** The groups of a snapshot. */
export const GROUPS = ['public', 'flags', 'limits'] as const;

/**
 * What must be sent to turn `previous` into `next`, with the revision of `next`; undefined where no answer changed
 * (then the revision alone is not worth an event).
 */
export function diffSnapshots(previous: Snapshot, next: Snapshot): SnapshotPatch | undefined {
  const patch: SnapshotPatch = { revision: next.revision };
  let changed = false;
  for (const group of GROUPS) {
    const before: Readonly<Record<string, unknown>> = previous[group];
    const after: Readonly<Record<string, unknown>> = next[group];
    const set = Object.entries(after).filter(
      ([key, value]) => !Object.hasOwn(before, key) || !isEqual(before[key], value),
    );
    const gone = Object.keys(before).filter((key) => !Object.hasOwn(after, key));
    if (set.length > 0) Object.assign(patch, { [group]: Object.fromEntries(set) });
    if (gone.length > 0) patch.deleted = { ...patch.deleted, [group]: gone };
    changed ||= set.length > 0 || gone.length > 0;
  }
  return changed ? patch : undefined;
}

/** The snapshot after the patch, as a new object; entries that the patch does not name keep their identity. */
export function applySnapshotPatch(snapshot: Snapshot, patch: SnapshotPatch): Snapshot {
  const next: Snapshot = { ...snapshot, revision: patch.revision };
  for (const group of GROUPS) {
    const answers: Record<string, unknown> = { ...snapshot[group], ...patch[group] };
    for (const key of patch.deleted?.[group] ?? []) delete answers[key];
    Object.assign(next, { [group]: answers });
  }
  return next;
}

/** Whether two JSON values are the same, whatever the order of their properties. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (!isObject(a) || !isObject(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key]))
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
