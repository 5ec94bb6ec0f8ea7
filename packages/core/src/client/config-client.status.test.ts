import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ClientStatus, StatusMonitor } from './client-status.ts';

const MAX_STALENESS_MS = 60_000;

type Step =
  | { enter: 'starting' | 'ready' | 'failed' | 'closed' }
  | { connected: 'connecting' | 'stream' | 'polling' | 'disconnected' }
  | { heard: true }
  | { loadedMs: number }
  | { passMs: number }
  /** The wall clock is set, forward or back. */
  | { jumpMs: number };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ enter: fc.constantFrom('starting', 'ready', 'ready', 'failed') }),
  fc.record({ connected: fc.constantFrom('connecting', 'stream', 'polling', 'disconnected') }),
  fc.record({ heard: fc.constant(true as const) }),
  fc.record({ loadedMs: fc.nat(200_000) }),
  fc.record({ passMs: fc.nat(100_000) }),
  fc.record({ jumpMs: fc.integer({ min: -10_000_000, max: 10_000_000 }) }),
);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function apply(monitor: StatusMonitor, step: Step): void {
  if ('enter' in step) monitor.enter(step.enter);
  else if ('connected' in step) monitor.setConnection(step.connected);
  else if ('heard' in step) monitor.confirm();
  else if ('loadedMs' in step) monitor.loadedFromCache(step.loadedMs);
  else if ('passMs' in step) vi.advanceTimersByTime(step.passMs);
  else vi.setSystemTime(Date.now() + step.jumpMs);
}

function watch(maxStalenessMs: number | undefined) {
  const told: [from: ClientStatus, to: ClientStatus][] = [];
  const onChange = (status: ClientStatus, previous: ClientStatus): number => told.push([previous, status]);
  return { monitor: new StatusMonitor({ maxStalenessMs, onChange }), told };
}

describe('the status of a client', () => {
  it('is told in order, once each, whatever the clocks do, and leaves no timer behind', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 40 }), (steps) => {
        const { monitor, told } = watch(MAX_STALENESS_MS);
        for (const step of steps) {
          apply(monitor, step);
          expect(monitor.ageMs ?? 0).toBeGreaterThanOrEqual(0);
        }
        // However it stands, what was told catches up with the next timer or event.
        monitor.setConnection(monitor.connection);
        expect(told.at(-1)?.[1] ?? 'starting').toBe(monitor.status);
        monitor.enter('closed');
        monitor.enter('ready');
        monitor.confirm();
        expect(monitor.status).toBe('closed');
        expect(vi.getTimerCount()).toBe(0);
        let last: ClientStatus = 'starting';
        for (const [from, to] of told) {
          expect(from).toBe(last);
          expect(to).not.toBe(last);
          last = to;
        }
      }),
      { numRuns: 300 },
    );
  });

  it('turns to failed by itself when the values are too old, and never with the longest times', () => {
    for (const maxStalenessMs of [
      1,
      MAX_STALENESS_MS,
      3_000_000_000,
      Number.MAX_VALUE,
      Number.POSITIVE_INFINITY,
    ]) {
      const { monitor, told } = watch(maxStalenessMs);
      monitor.confirm();
      monitor.enter('ready');
      vi.advanceTimersByTime(Math.min(maxStalenessMs, 2_900_000_000));
      expect(told).toEqual([['starting', 'ready']]);
      vi.advanceTimersByTime(200_000_000);
      expect(told.slice(1)).toEqual(maxStalenessMs <= 3_000_000_000 ? [['ready', 'failed']] : []);
      monitor.enter('closed');
    }
    expect(vi.getTimerCount()).toBe(0);
  });
});
