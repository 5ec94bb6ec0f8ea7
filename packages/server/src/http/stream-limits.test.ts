import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { StreamLimits } from './stream-limits.ts';

/** It becomes a 429 with `Retry-After`. */
const tooMany = expect.objectContaining({ code: 'too-many-requests', retryAfterSec: 30 });

const key = (clientId: string) => ({ type: 'b2m' as const, clientId });

describe('streams of a publishable key', () => {
  it('are limited for each address, and a stream that ends frees its place', () => {
    const limits = new StreamLimits({ maxPerAddress: 2 });
    const take = (clientId: string, address: string) => limits.take(key(clientId), address);
    const release = take('shop', '192.0.2.1');
    take('shop', '192.0.2.1');
    expect(() => take('shop', '192.0.2.1')).toThrow(tooMany);
    take('shop', '192.0.2.2');
    take('other', '192.0.2.1');
    release();
    take('shop', '192.0.2.1');
    expect(() => take('shop', '192.0.2.1')).toThrow('2 open streams from this address');
  });

  it('are limited for all addresses together, and a refused one takes no place', () => {
    const limits = new StreamLimits({ maxPerKey: 2, maxPerAddress: 2 });
    const take = (address: string) => limits.take(key('shop'), address);
    const releases = [take('192.0.2.1'), take('192.0.2.2')];
    for (let count = 0; count < 3; count += 1) expect(() => take('192.0.2.3')).toThrow('2 open streams,');
    for (const release of releases) release();
    take('192.0.2.3');
    take('192.0.2.3');
    expect(() => take('192.0.2.3')).toThrow(tooMany);
  });

  it('are refused with 429 and the seconds to wait', () => {
    const limits = new StreamLimits({ maxPerKey: 1 });
    limits.take(key('shop'), '192.0.2.1');
    expect(() => limits.take(key('shop'), '192.0.2.2')).toThrow(tooMany);
  });

  it('may be 5,000 for each address and 50,000 for all, by default', () => {
    const limits = new StreamLimits({});
    for (let address = 0; address < 10; address += 1) {
      for (let count = 0; count < 5_000; count += 1) limits.take(key('shop'), String(address));
      if (address === 0) expect(() => limits.take(key('shop'), '0')).toThrow('5000 open streams from');
    }
    expect(() => limits.take(key('shop'), 'another')).toThrow('50000 open streams,');
  });
});

it('streams of a machine client are not limited, and releasing them takes nothing from a key', () => {
  const limits = new StreamLimits({ maxPerKey: 1, maxPerAddress: 1 });
  const machine = { type: 'm2m' as const, clientId: 'shop' };
  const releases = [limits.take(machine, '192.0.2.1'), limits.take(machine, '192.0.2.1')];
  limits.take(key('shop'), '192.0.2.1');
  for (const release of releases) release();
  expect(() => limits.take(key('shop'), '192.0.2.1')).toThrow(tooMany);
});

it('an address without open streams takes no memory', () => {
  const set = vi.spyOn(Map.prototype, 'set');
  onTestFinished(() => set.mockRestore());
  const limits = new StreamLimits({});
  const releases = ['192.0.2.1', '192.0.2.1', '192.0.2.2'].map((address) =>
    limits.take(key('shop'), address),
  );
  const open = set.mock.contexts.at(-1) as Map<string, number> | undefined;
  // Two addresses and the key.
  expect(open?.size).toBe(3);
  for (const release of releases) release();
  expect(open?.size).toBe(0);
});
