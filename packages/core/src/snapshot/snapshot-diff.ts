import { sameJson } from '../lib/json.ts';
import type { Snapshot, SnapshotPatch } from '../wire.ts';

export const GROUPS = ['public', 'flags', 'limits'] as const;

/**
 * The patch that turns `previous` into `next`. Undefined if only the revision differs: that is not worth an event.
 *
 * @param keys - the only keys that may differ; `next` needs no others. Default: all keys of both.
 */
export function diffSnapshots(
  previous: Snapshot,
  next: Snapshot,
  keys?: Iterable<string>,
): SnapshotPatch | undefined {
  const patch: SnapshotPatch = { revision: next.revision };
  let changed = false;
  for (const group of GROUPS) {
    const before: Readonly<Record<string, unknown>> = previous[group];
    const after: Readonly<Record<string, unknown>> = next[group];
    const set: [string, unknown][] = [];
    const gone: string[] = [];
    for (const key of keys ?? new Set([...Object.keys(after), ...Object.keys(before)])) {
      const was = Object.hasOwn(before, key);
      if (!Object.hasOwn(after, key)) {
        if (was) gone.push(key);
      } else if (!was || !sameJson(before[key], after[key])) set.push([key, after[key]]);
    }
    if (set.length > 0) Object.assign(patch, { [group]: Object.fromEntries(set) });
    if (gone.length > 0) patch.deleted = { ...patch.deleted, [group]: gone };
    changed ||= set.length > 0 || gone.length > 0;
  }
  return changed ? patch : undefined;
}

/** The snapshot after a patch, as a new object. Entries that the patch does not name keep their identity. */
export function applySnapshotPatch(snapshot: Snapshot, patch: SnapshotPatch): Snapshot {
  const next: Snapshot = { ...snapshot, revision: patch.revision };
  for (const group of GROUPS) {
    const entries: Record<string, unknown> = { ...snapshot[group], ...patch[group] };
    for (const key of patch.deleted?.[group] ?? []) delete entries[key];
    next[group] = entries as never;
  }
  return next;
}
