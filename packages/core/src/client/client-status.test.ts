import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../schema/define-config.ts';
import { ManualSource } from '../test-support/manual-source.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import { runs } from '../test-support/runs.ts';
import type { Ruleset } from '../wire.ts';
import type { ConfigClientEvent, ConfigClientOptions } from './client-options.ts';
import { type ClientPhase, type ClientStatus, StatusMonitor } from './client-status.ts';
import { createConfigClient } from './config-client.ts';

const MAX_STALENESS_MS = 60_000;

type Step =
  | { enter: 'starting' | 'ready' | 'failed' | 'closed' }
  | { connection: 'connecting' | 'stream' | 'polling' | 'disconnected' }
  | { confirmed: true }
  | { loadedMs: number }
  | { passMs: number }
  /** Sets the wall clock, forward or back. */
  | { jumpMs: number };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ enter: fc.constantFrom('starting', 'ready', 'ready', 'failed') }),
  fc.record({ connection: fc.constantFrom('connecting', 'stream', 'polling', 'disconnected') }),
  fc.record({ confirmed: fc.constant(true as const) }),
  fc.record({ loadedMs: fc.nat(200_000) }),
  fc.record({ passMs: fc.nat(100_000) }),
  fc.record({ jumpMs: fc.integer({ min: -10_000_000, max: 10_000_000 }) }),
);

const config = defineConfig({
  public: { title: z.string().default('Shop') },
  secrets: { databaseUrl: z.url() },
});
const databaseUrl = 'postgres://db.example:5432/shop';
const ruleset = (values: Partial<Ruleset> = {}): Ruleset => rulesetOf({ secret: { databaseUrl }, ...values });

async function readyClient(options: Partial<ConfigClientOptions<typeof config>> = {}) {
  const source = new ManualSource(ruleset());
  const events: ConfigClientEvent[] = [];
  const onEvent = (event: ConfigClientEvent): number => events.push(event);
  const client = await createConfigClient({ config, source, onEvent, ...options }).ready();
  const { sink } = source;
  if (sink === undefined) throw new Error('the source was not started');
  return { client, sink, events };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function apply({ monitor, enter }: ReturnType<typeof watch>, step: Step): void {
  if ('enter' in step) enter(step.enter);
  else if ('connection' in step) monitor.setConnection(step.connection);
  else if ('confirmed' in step) monitor.confirm();
  else if ('loadedMs' in step) monitor.loadedFromCache(step.loadedMs);
  else if ('passMs' in step) vi.advanceTimersByTime(step.passMs);
  else vi.setSystemTime(Date.now() + step.jumpMs);
}

function watch(maxStalenessMs: number | undefined) {
  const changes: [from: ClientStatus, to: ClientStatus][] = [];
  const onChange = (status: ClientStatus, previous: ClientStatus): number => changes.push([previous, status]);
  let phase: ClientPhase = 'starting';
  const monitor = new StatusMonitor({ maxStalenessMs, phase: () => phase, onChange });
  const enter = (next: ClientPhase): void => {
    phase = next;
    monitor.update();
  };
  return { monitor, enter, changes };
}

describe('health()', () => {
  it('becomes failed when the values are older than maxStalenessMs, and ready when they are confirmed', async () => {
    const { client, sink, events } = await readyClient({ maxStalenessMs: 60_000 });
    vi.advanceTimersByTime(50_000);
    expect(client.health()).toMatchObject({ status: 'ready', ageMs: 50_000 });
    sink.confirm();
    vi.advanceTimersByTime(59_000);
    expect(client.health()).toMatchObject({ status: 'ready', ageMs: 59_000 });
    sink.status('disconnected', new Error('gone'));
    vi.advanceTimersByTime(2_000);
    expect(client.health().status).toBe('failed');
    expect(client.secret('databaseUrl')).toBe(databaseUrl);
    sink.status('polling');
    sink.confirm();
    expect(client.health()).toMatchObject({
      status: 'ready',
      ageMs: 0,
      transport: 'polling',
      stream: 'closed',
    });
    await client.close();
    await vi.advanceTimersByTimeAsync(0);
    expect(events.flatMap((event) => (event.type === 'status' ? [event.status] : []))).toEqual([
      'ready',
      'stale',
      'failed',
      'ready',
      'closed',
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not count an older revision as a confirmation', async () => {
    const { client, sink } = await readyClient({ maxStalenessMs: 60_000 });
    sink.replace(ruleset({ revision: '7' }));
    for (let minute = 0; minute < 2; minute += 1) {
      vi.advanceTimersByTime(31_000);
      sink.replace(ruleset({ revision: '6' }));
      sink.patch({ revision: '6', previousRevision: '5', changes: [] });
    }
    expect(client.health()).toMatchObject({ status: 'failed', ageMs: 62_000, revision: '7' });
    sink.patch({ revision: '8', previousRevision: '7', changes: [] });
    expect(client.health()).toMatchObject({ status: 'ready', ageMs: 0, revision: '8' });
    await client.close();
  });

  it('reports the true age of the values after the machine slept', async () => {
    const { client } = await readyClient({ maxStalenessMs: 60_000 });
    vi.setSystemTime(Date.now() + 3_600_000);
    expect(client.health()).toMatchObject({ status: 'failed', ageMs: 3_600_000 });
    await client.close();
  });
});

describe('the status of a client', () => {
  it('is reported in order, once per change, whatever the clocks do, and leaves no timer behind', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 40 }), (steps) => {
        const watched = watch(MAX_STALENESS_MS);
        const { monitor, enter, changes } = watched;
        for (const step of steps) {
          apply(watched, step);
          expect(monitor.ageMs ?? 0).toBeGreaterThanOrEqual(0);
        }
        // The reported status may lag behind; the next timer or event updates it.
        monitor.setConnection(monitor.connection);
        expect(changes.at(-1)?.[1] ?? 'starting').toBe(monitor.status);
        enter('closed');
        monitor.confirm();
        expect(monitor.status).toBe('closed');
        expect(vi.getTimerCount()).toBe(0);
        let last: ClientStatus = 'starting';
        for (const [from, to] of changes) {
          expect(from).toBe(last);
          expect(to).not.toBe(last);
          last = to;
        }
      }),
      { numRuns: runs(100, 300) },
    );
  });

  it('becomes failed on its own when the values are too old, and never does with the longest times', () => {
    for (const maxStalenessMs of [
      1,
      MAX_STALENESS_MS,
      3_000_000_000,
      Number.MAX_VALUE,
      Number.POSITIVE_INFINITY,
    ]) {
      const { monitor, enter, changes } = watch(maxStalenessMs);
      monitor.confirm();
      enter('ready');
      vi.advanceTimersByTime(Math.min(maxStalenessMs, 2_900_000_000));
      expect(changes).toEqual([['starting', 'ready']]);
      vi.advanceTimersByTime(200_000_000);
      expect(changes.slice(1)).toEqual(maxStalenessMs <= 3_000_000_000 ? [['ready', 'failed']] : []);
      enter('closed');
    }
    expect(vi.getTimerCount()).toBe(0);
  });
});
