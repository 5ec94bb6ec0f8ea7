import { expect, it, onTestFinished, vi } from 'vitest';
import { Refusal } from '../domain/refusal.ts';
import { ReadLimit } from './read-limit.ts';

const page = { type: 'b2m', clientId: 'pk-1' } as const;

/** The refusal of a read; undefined if it was allowed. */
function refusalOf(limit: ReadLimit, caller: Parameters<ReadLimit['take']>[0], address = '10.0.0.1') {
  try {
    limit.take(caller, address);
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

it('refuses one read too many, with the limit and the time until the next', () => {
  const limit = new ReadLimit({ maxPerAddress: 2 });
  expect([refusalOf(limit, page), refusalOf(limit, page)]).toEqual([undefined, undefined]);
  const refusal = refusalOf(limit, page);
  expect(refusal).toMatchObject({ code: 'too-many-requests', retryAfterSec: 60 });
  expect(refusal?.message).toMatch(/sent 2 requests from this address within 60 s/);
});

it('counts each key and each address on its own', () => {
  const limit = new ReadLimit({ maxPerAddress: 1 });
  limit.take(page, '10.0.0.1');
  expect(refusalOf(limit, page)).toBeInstanceOf(Refusal);
  expect(refusalOf(limit, page, '10.0.0.2')).toBeUndefined();
  expect(refusalOf(limit, { ...page, clientId: 'pk-2' })).toBeUndefined();
});

it('has no limit for machine clients, and does not count their reads', () => {
  const limit = new ReadLimit({ maxPerAddress: 1 });
  const machine = { ...page, type: 'm2m' } as const;
  expect([1, 2, 3].map(() => refusalOf(limit, machine))).toEqual([undefined, undefined, undefined]);
  expect(refusalOf(limit, page)).toBeUndefined();
});

it('allows 30 000 reads in a minute by default, and as many in the next', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const limit = new ReadLimit({});
  for (let read = 0; read < 30_000; read++) limit.take(page, '10.0.0.1');
  vi.advanceTimersByTime(59_999);
  expect(refusalOf(limit, page)).toMatchObject({ retryAfterSec: 1 });
  vi.advanceTimersByTime(1);
  expect(refusalOf(limit, page)).toBeUndefined();
});
