import { compareRevisions } from '../lib/revision.ts';
import type { RulesetPatch } from '../wire.ts';

/** A point in the history of an environment. */
export interface RulesetPosition {
  readonly revision: string;
  /** Undefined if the server does not name one. */
  readonly epoch?: string | undefined;
}

/** `next`: apply it; `seen`: its changes are already applied; `gap`: earlier changes are missing. */
export type PatchVerdict = 'next' | 'seen' | 'gap';

/** How long an epoch is refused after another one replaced it, in milliseconds. */
export const EPOCH_REFUSAL_MS: number = 5 * 60_000;
/** Bounds the memory if a server names a new epoch again and again. */
const MAX_REPLACED_EPOCHS = 64;

/** Whether a patch follows on the current position. Both must be of the same epoch. */
export function judgePatch(
  patch: Pick<RulesetPatch, 'revision' | 'previousRevision'>,
  current: RulesetPosition,
): PatchVerdict {
  if (compareRevisions(patch.revision, current.revision) <= 0) return 'seen';
  const previous = patch.previousRevision;
  // A patch carries whole values, so it may overlap what is already applied. It must not leave anything out.
  return previous === undefined || compareRevisions(previous, current.revision) <= 0 ? 'next' : 'gap';
}

/** Whether two positions belong to one history. A position without an epoch matches any. */
export function isSameEpoch(left: RulesetPosition, right: RulesetPosition): boolean {
  return left.epoch === undefined || right.epoch === undefined || left.epoch === right.epoch;
}

export function isSamePosition(left: RulesetPosition, right: RulesetPosition): boolean {
  return isSameEpoch(left, right) && compareRevisions(left.revision, right.revision) === 0;
}

/**
 * Decides which whole rulesets are accepted. Within an epoch, the higher revision wins. A ruleset of another epoch is
 * accepted whatever its revision, and the replaced epoch is then refused for five minutes: two servers that disagree
 * can neither make a client alternate between them nor leave it stuck.
 */
export class RulesetOrder {
  /** When each epoch was replaced, the oldest first. */
  readonly #replacedAt = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Whether `ruleset` replaces `current`. If it does and the epoch changes, the old epoch is refused from now on. */
  accept(ruleset: RulesetPosition, current: RulesetPosition | undefined): boolean {
    if (current === undefined) return true;
    const { epoch } = ruleset;
    if (epoch === undefined || epoch === current.epoch) {
      return compareRevisions(ruleset.revision, current.revision) >= 0;
    }
    const replacedAt = this.#replacedAt.get(epoch);
    if (replacedAt !== undefined && this.#now() - replacedAt < EPOCH_REFUSAL_MS) return false;
    this.#replacedAt.delete(epoch);
    if (current.epoch !== undefined) this.#refuse(current.epoch);
    return true;
  }

  #refuse(epoch: string): void {
    // Deleted first, so that it moves to the end of the map.
    this.#replacedAt.delete(epoch);
    this.#replacedAt.set(epoch, this.#now());
    if (this.#replacedAt.size <= MAX_REPLACED_EPOCHS) return;
    for (const oldest of this.#replacedAt.keys()) {
      this.#replacedAt.delete(oldest);
      return;
    }
  }
}
