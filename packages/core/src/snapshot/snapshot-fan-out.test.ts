import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { EvaluationContext, Snapshot } from '../wire.ts';
import { SnapshotFanOut } from './snapshot-fan-out.ts';

// Time stands still, so that a change is sent in one turn however slow the machine is.
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** A fan-out whose flag `color` is the color of the context until `colors` has another one for it. */
function setUp() {
  const taken: Snapshot[] = [];
  const colors: Record<string, string> = {};
  let revision = 1;
  const fanOut = new SnapshotFanOut((context) => {
    const color = String(context.color);
    const flags = {
      color: { value: colors[color] ?? color, source: 'rule' as const },
      size: { value: 1, source: 'default' as const },
    };
    const snapshot: Snapshot = { revision: String(revision), public: {}, flags, limits: {} };
    taken.push(snapshot);
    return snapshot;
  });
  const open = (context: EvaluationContext): string[] => {
    const events: string[] = [];
    const send = (event: Uint8Array): void => void events.push(new TextDecoder().decode(event));
    fanOut.add({ context, hasRoom: () => true, send, failed: () => events.push('failed') });
    return events;
  };
  const recolor = (color: string, next: string): void => {
    colors[color] = next;
    revision += 1;
    fanOut.changed(new Set(['color']));
  };
  return { taken, open, recolor };
}

it('readers have equal entries in memory once', () => {
  const { taken, open, recolor } = setUp();
  open({ color: 'red' });
  open({ color: 'blue' });
  open({ color: 'red' });
  const [first, second, third] = taken.map(({ flags }) => flags);
  expect(third?.color).toBe(first?.color);
  expect(second?.color).not.toBe(first?.color);
  expect(second?.size).toBe(first?.size);
  recolor('red', 'green');
  expect(third?.color).toEqual({ value: 'green', source: 'rule' });
  expect(third?.color).toBe(first?.color);
  expect(second?.color).toEqual({ value: 'blue', source: 'rule' });
  // Not the entry from before the change.
  open({ color: 'red' });
  expect(taken.at(-1)?.flags.color).toEqual({ value: 'green', source: 'rule' });
});

it('a change reaches only the readers whose entries differ', () => {
  const { open, recolor } = setUp();
  const [red, blue, again] = [open({ color: 'red' }), open({ color: 'blue' }), open({ color: 'red' })];
  recolor('red', 'green');
  recolor('blue', 'green');
  recolor('red', 'green');
  expect([red, blue, again].map((events) => events.length)).toEqual([2, 2, 2]);
  expect(again).toEqual(red);
  expect(blue[1]).toBe(
    'id: 3\nevent: patch\ndata: {"revision":"3","flags":{"color":{"value":"green","source":"rule"}}}\n\n',
  );
});
