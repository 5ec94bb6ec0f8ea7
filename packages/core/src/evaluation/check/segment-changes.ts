import { sameJson } from '../../lib/json.ts';
import { ownProperty } from '../../lib/record.ts';
import type { Segments } from '../../wire.ts';
import { segmentsUsed } from './targeting-check.ts';

/** Names of the segments whose result may differ: those that changed, and those that refer to them, directly or not. */
export function touchedSegments(before: Segments, after: Segments): ReadonlySet<string> {
  const touched = new Set<string>();
  if (before === after) return touched;
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (!sameJson(ownProperty(before, name), ownProperty(after, name))) touched.add(name);
  }
  if (touched.size === 0) return touched;
  const users = segmentUsers(after);
  // Iterating a set also visits what is added meanwhile.
  for (const name of touched) for (const user of users.get(name) ?? []) touched.add(user);
  return touched;
}

/** For each segment, the segments that refer to it. */
function segmentUsers(segments: Segments): ReadonlyMap<string, readonly string[]> {
  const users = new Map<string, string[]>();
  for (const [user, condition] of Object.entries(segments)) {
    for (const name of segmentsUsed(condition)) {
      const known = users.get(name);
      if (known === undefined) users.set(name, [user]);
      else known.push(user);
    }
  }
  return users;
}
