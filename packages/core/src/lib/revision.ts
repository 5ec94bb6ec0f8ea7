/**
 * Whether a revision is older than another one. Revisions are decimal strings of any length, so a number could not
 * hold all of them. Leading zeros do not count.
 */
export function isOlderRevision(revision: string, than: string): boolean {
  const length = Math.max(revision.length, than.length);
  return revision.padStart(length, '0') < than.padStart(length, '0');
}

/** Compares two revisions: below 0 if `left` is older, above 0 if it is newer, 0 if they are the same. */
export function compareRevisions(left: string, right: string): number {
  return Number(isOlderRevision(right, left)) - Number(isOlderRevision(left, right));
}
