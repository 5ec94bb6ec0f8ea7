import { describe, expect, it } from 'vitest';
import { EPOCH_REFUSAL_MS, isSameEpoch, isSamePosition, judgePatch, RulesetOrder } from './ruleset-order.ts';

const at = (revision: string, epoch?: string) => ({ revision, epoch });

describe('a patch', () => {
  it.each([
    ['follows on the current revision', '6', '5', 'next'],
    ['overlaps what is already applied', '6', '3', 'next'],
    ['names no previous revision', '6', undefined, 'next'],
    ['has the current revision', '5', '4', 'seen'],
    ['is older', '4', '3', 'seen'],
    ['is older and names no previous revision', '4', undefined, 'seen'],
    ['leaves a revision out', '7', '6', 'gap'],
    ['is compared by number', '10', '5', 'next'],
  ])('that %s', (_name, revision, previousRevision, verdict) => {
    const patch = { revision, ...(previousRevision !== undefined && { previousRevision }) };
    expect(judgePatch(patch, at('5'))).toBe(verdict);
  });
});

describe('two positions', () => {
  it('are of one epoch if both name the same, or one names none', () => {
    expect(isSameEpoch(at('1', 'a'), at('2', 'a'))).toBe(true);
    expect(isSameEpoch(at('1'), at('2', 'a'))).toBe(true);
    expect(isSameEpoch(at('1', 'a'), at('2'))).toBe(true);
    expect(isSameEpoch(at('1', 'a'), at('1', 'b'))).toBe(false);
  });

  it('are the same if their revisions and epochs match', () => {
    expect(isSamePosition(at('1', 'a'), at('1', 'a'))).toBe(true);
    expect(isSamePosition(at('1', 'a'), at('2', 'a'))).toBe(false);
    expect(isSamePosition(at('1', 'a'), at('1', 'b'))).toBe(false);
  });
});

describe('a whole ruleset', () => {
  /** An order with a clock that the test moves. */
  const setUp = () => {
    const clock = { nowMs: 0 };
    return { clock, order: new RulesetOrder(() => clock.nowMs) };
  };

  it('is accepted as the first', () => {
    expect(setUp().order.accept(at('1', 'a'), undefined)).toBe(true);
  });

  it.each([
    ['the same epoch', 'a', 'a'],
    ['no epoch', undefined, 'a'],
    ['no epoch, like the current one', undefined, undefined],
  ])('with %s is accepted unless its revision is lower', (_name, epoch, currentEpoch) => {
    const { order } = setUp();
    const accepted = ['4', '5', '6', '10'].map((revision) =>
      order.accept(at(revision, epoch), at('5', currentEpoch)),
    );
    expect(accepted).toEqual([false, true, true, true]);
  });

  it('of another epoch is accepted with a lower revision, and the replaced epoch is refused for five minutes', () => {
    const { clock, order } = setUp();
    expect(order.accept(at('1', 'b'), at('5', 'a'))).toBe(true);
    expect(order.accept(at('9', 'a'), at('1', 'b'))).toBe(false);
    clock.nowMs = EPOCH_REFUSAL_MS - 1;
    expect(order.accept(at('9', 'a'), at('1', 'b'))).toBe(false);
    clock.nowMs = EPOCH_REFUSAL_MS;
    expect(order.accept(at('9', 'a'), at('1', 'b'))).toBe(true);
    // Now it is the other one's turn to be refused, from this moment.
    clock.nowMs += EPOCH_REFUSAL_MS - 1;
    expect(order.accept(at('1', 'b'), at('9', 'a'))).toBe(false);
    expect(order.accept(at('9', 'a'), at('9', 'a'))).toBe(true);
  });

  it('of a server that names an epoch replaces one that names none, and nothing is refused for it', () => {
    const { order } = setUp();
    expect(order.accept(at('1', 'a'), at('5'))).toBe(true);
    expect(order.accept(at('1', 'b'), at('1', 'a'))).toBe(true);
    expect(order.accept(at('1', 'a'), at('1', 'b'))).toBe(false);
  });

  it('is refused for one of the last 64 replaced epochs; an older one is forgotten', () => {
    const { order } = setUp();
    const epochs = Array.from({ length: 66 }, (_, index) => `epoch-${index}`);
    for (const [index, epoch] of epochs.slice(1).entries())
      expect(order.accept(at('1', epoch), at('1', epochs[index]))).toBe(true);
    // Replaced so far: 0 to 64. The oldest has made room.
    const current = at('1', 'epoch-65');
    expect(order.accept(at('1', 'epoch-1'), current)).toBe(false);
    expect(order.accept(at('1', 'epoch-64'), current)).toBe(false);
    expect(order.accept(at('1', 'epoch-0'), current)).toBe(true);
  });

  it('of an epoch that is replaced again is refused from the last time', () => {
    const { clock, order } = setUp();
    order.accept(at('1', 'b'), at('1', 'a'));
    clock.nowMs = EPOCH_REFUSAL_MS;
    order.accept(at('1', 'a'), at('1', 'b'));
    order.accept(at('1', 'c'), at('1', 'a'));
    clock.nowMs += EPOCH_REFUSAL_MS - 1;
    expect(order.accept(at('1', 'a'), at('1', 'c'))).toBe(false);
  });
});
