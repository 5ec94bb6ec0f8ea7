import type { RulesetPatch } from '../wire.ts';

/** Where a ruleset stands in the history of its environment. */
export interface RulesetPosition {
  readonly revision: string;
  /** Undefined where the server does not say. */
  readonly epoch?: string | undefined;
}

/** `next`: to be applied; `seen`: its changes are in hand; `gap`: changes before it were missed. */
export type PatchVerdict = 'next' | 'seen' | 'gap';

/** How long an epoch that was left is refused, in milliseconds. */
export const REFUSED_MS: number = 5 * 60_000;
/** A server that starts over and over must not fill the memory. */
const MAX_LEFT = 64;

/** Compares two revisions, which are decimal strings of any length. */
export function compareRevisions(left: string, right: string): number {
  const a = left.replace(/^0+(?=\d)/, '');
  const b = right.replace(/^0+(?=\d)/, '');
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether a change follows on what is in hand, which is of the same epoch. */
export function judgePatch(
  patch: Pick<RulesetPatch, 'revision' | 'previousRevision'>,
  inHand: RulesetPosition,
): PatchVerdict {
  if (compareRevisions(patch.revision, inHand.revision) <= 0) return 'seen';
  const previous = patch.previousRevision;
  // Its values are whole ones, so it may begin before what is in hand; it must not begin after it.
  return previous === undefined || compareRevisions(previous, inHand.revision) <= 0 ? 'next' : 'gap';
}

/** Whether two positions are of one history; an epoch that is not named is any. */
export function isSameEpoch(left: RulesetPosition, right: RulesetPosition): boolean {
  return left.epoch === undefined || right.epoch === undefined || left.epoch === right.epoch;
}

/** Whether two positions are the same. */
export function isSamePosition(left: RulesetPosition, right: RulesetPosition): boolean {
  return isSameEpoch(left, right) && compareRevisions(left.revision, right.revision) === 0;
}

/**
 * Decides which whole rulesets are taken. Within an epoch the higher revision is newer. Another epoch is taken whatever
 * its revision, and the one that was left is refused for a while: two servers that disagree cannot make a client go
 * back and forth, nor leave it stuck.
 */
export class RulesetOrder {
  readonly #left = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Answers whether `ruleset` takes the place of `inHand`, and remembers what is left by that. */
  take(ruleset: RulesetPosition, inHand: RulesetPosition | undefined): boolean {
    if (inHand === undefined) return true;
    const { epoch } = ruleset;
    if (epoch === undefined || epoch === inHand.epoch) {
      return compareRevisions(ruleset.revision, inHand.revision) >= 0;
    }
    const leftAt = this.#left.get(epoch);
    if (leftAt !== undefined && this.#now() - leftAt < REFUSED_MS) return false;
    this.#left.delete(epoch);
    if (inHand.epoch !== undefined) this.#leave(inHand.epoch);
    return true;
  }

  #leave(epoch: string): void {
    this.#left.delete(epoch);
    this.#left.set(epoch, this.#now());
    if (this.#left.size <= MAX_LEFT) return;
    for (const oldest of this.#left.keys()) {
      this.#left.delete(oldest);
      return;
    }
  }
}
