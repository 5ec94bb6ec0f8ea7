import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../schema/define-config.ts';
import {
  closeAfterEach,
  completeRuleset,
  gate,
  json,
  makeClient,
  type Respond,
} from '../test-support/evaluation-fixture.ts';

const config = defineConfig({
  flags: { newCheckout: z.boolean().default(false), theme: z.enum(['light', 'dark']).default('light') },
});

closeAfterEach();
afterEach(() => {
  vi.useRealTimers();
});

/** Longer than three failed streams and a poll. */
const UNTIL_POLLED_MS = 5_000;

describe('the evaluation cache', () => {
  const respond: Respond = ({ context }) => json({ value: context.on === true, source: 'raw' });
  const cached = { evaluationCache: { maxEntries: 2, ttlMs: 60_000 } };

  it('is off by default', async () => {
    const { client, server } = makeClient(config, respond);
    await client.evaluateFlag('newCheckout');
    await client.evaluateFlag('newCheckout');
    expect(server.paths.length).toBe(2);
  });

  it('holds maxEntries results, and drops the least recently used one', async () => {
    const { client, server } = makeClient(config, respond, cached);
    const evaluate = (userId: string) => client.evaluateFlag('newCheckout', { userId });
    await evaluate('a');
    await evaluate('b');
    await evaluate('a');
    expect(server.paths.length).toBe(2);
    await evaluate('c');
    await evaluate('a');
    expect(server.paths.length).toBe(3);
    await evaluate('b');
    expect(server.paths.length).toBe(4);
  });

  it('uses a result for ttlMs', async () => {
    const { client, server } = makeClient(config, respond, {
      evaluationCache: { maxEntries: 9, ttlMs: 1_000 },
    });
    await client.evaluateFlag('newCheckout');
    const now = vi.spyOn(performance, 'now');
    const later = performance.now() + 1_000;
    now.mockReturnValue(later);
    await client.evaluateFlag('newCheckout');
    expect(server.paths.length).toBe(2);
    await client.evaluateFlag('newCheckout');
    expect(server.paths.length).toBe(2);
    now.mockRestore();
  });

  it('drops the results of a key that changes, also one that is in flight', async () => {
    vi.useFakeTimers();
    const { client, server } = makeClient(config, respond, cached);
    await client.ready();
    await client.evaluateFlag('newCheckout');
    await client.evaluateFlag('theme').catch(() => undefined);
    server.respond = () => json({ value: 'dark', source: 'raw' });
    await client.evaluateFlag('theme');
    const { isOpen, open } = gate();
    server.respond = async () => {
      await isOpen;
      return json({ value: false, source: 'raw' });
    };
    const old = client.evaluateFlag('newCheckout', { on: true });
    const before = server.paths.length;
    server.ruleset = completeRuleset({ revision: '2', flags: { newCheckout: true } });
    await vi.advanceTimersByTimeAsync(UNTIL_POLLED_MS);
    expect(client.flag('newCheckout')).toBe(true);
    server.respond = respond;
    expect(await client.evaluateFlag('newCheckout', { on: true })).toBe(true);
    open();
    expect(await old).toBe(false);
    expect(await client.evaluateFlag('newCheckout', { on: true })).toBe(true);
    expect(await client.evaluateFlag('theme')).toBe('dark');
    expect(server.paths.length - before).toBe(2);
  });

  it('drops everything when the epoch changes, even if no value does', async () => {
    vi.useFakeTimers();
    const { client, server } = makeClient(config, respond, cached);
    await client.ready();
    await client.evaluateFlag('newCheckout');
    await client.evaluateFlag('newCheckout');
    expect(server.paths.length).toBe(1);
    server.ruleset = completeRuleset({ revision: '1', epoch: 'two' });
    await vi.advanceTimersByTimeAsync(UNTIL_POLLED_MS);
    await client.evaluateFlag('newCheckout');
    await client.evaluateFlag('newCheckout');
    expect(server.paths.length).toBe(2);
  });

  it.each([
    { maxEntries: 0, ttlMs: 1 },
    { maxEntries: 1.5, ttlMs: 1 },
    { maxEntries: 1, ttlMs: 0 },
    { maxEntries: 1, ttlMs: Number.NaN },
  ])('rejects the bounds %o', (evaluationCache) => {
    expect(() => makeClient(config, respond, { evaluationCache })).toThrow(
      expect.objectContaining({ code: 'ERR_OPTIONS_INVALID', option: 'evaluationCache' }),
    );
  });
});
