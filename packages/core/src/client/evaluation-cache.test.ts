import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../schema/define-config.ts';
import {
  type Answer,
  closeAfterEach,
  gate,
  json,
  makeClient,
  soon,
  whole,
} from '../test-support/evaluation-fixture.ts';

const config = defineConfig({
  flags: { newCheckout: z.boolean().default(false), theme: z.enum(['light', 'dark']).default('light') },
});

closeAfterEach();

describe('the cache of evaluations', () => {
  const answer: Answer = ({ context }) => json({ value: context.on === true, source: 'raw' });
  const cached = { evaluationCache: { maxEntries: 2, ttlMs: 60_000 } };

  it('is off by default', async () => {
    const { client, server } = makeClient(config, answer);
    await client.evaluateFlag('newCheckout');
    await client.evaluateFlag('newCheckout');
    expect(server.asked.length).toBe(2);
  });

  it('keeps so many answers, and drops the one that was not read for longest', async () => {
    const { client, server } = makeClient(config, answer, cached);
    const ask = (userId: string) => client.evaluateFlag('newCheckout', { userId });
    await ask('a');
    await ask('b');
    await ask('a');
    expect(server.asked.length).toBe(2);
    await ask('c');
    await ask('a');
    expect(server.asked.length).toBe(3);
    await ask('b');
    expect(server.asked.length).toBe(4);
  });

  it('keeps an answer for so long', async () => {
    const { client, server } = makeClient(config, answer, {
      evaluationCache: { maxEntries: 9, ttlMs: 1_000 },
    });
    await client.evaluateFlag('newCheckout');
    const now = vi.spyOn(performance, 'now');
    const later = performance.now() + 999_000;
    now.mockReturnValue(later);
    await client.evaluateFlag('newCheckout');
    expect(server.asked.length).toBe(2);
    await client.evaluateFlag('newCheckout');
    expect(server.asked.length).toBe(2);
    now.mockRestore();
  });

  it('forgets a key that changes, and an answer that was on its way meanwhile', async () => {
    const { client, server } = makeClient(config, answer, cached);
    await client.ready();
    await client.evaluateFlag('newCheckout');
    await client.evaluateFlag('theme').catch(() => undefined);
    server.answer = () => json({ value: 'dark', source: 'raw' });
    await client.evaluateFlag('theme');
    const { isOpen, open } = gate();
    server.answer = async () => {
      await isOpen;
      return json({ value: false, source: 'raw' });
    };
    const old = client.evaluateFlag('newCheckout', { on: true });
    const asked = server.asked.length;
    server.ruleset = whole({ revision: '2', flags: { newCheckout: true } });
    await vi.waitFor(() => expect(client.flag('newCheckout')).toBe(true), soon);
    server.answer = answer;
    expect(await client.evaluateFlag('newCheckout', { on: true })).toBe(true);
    open();
    expect(await old).toBe(false);
    expect(await client.evaluateFlag('newCheckout', { on: true })).toBe(true);
    expect(await client.evaluateFlag('theme')).toBe('dark');
    expect(server.asked.length - asked).toBe(2);
  });

  it('forgets everything in another epoch, though no value is another', async () => {
    const { client, server } = makeClient(config, answer, cached);
    await client.ready();
    await client.evaluateFlag('newCheckout');
    await client.evaluateFlag('newCheckout');
    expect(server.asked.length).toBe(1);
    server.ruleset = whole({ revision: '1', epoch: 'two' });
    await vi.waitFor(async () => {
      await client.evaluateFlag('newCheckout');
      expect(server.asked.length).toBe(2);
    }, soon);
    await client.evaluateFlag('newCheckout');
    expect(server.asked.length).toBe(2);
  });

  it.each([
    { maxEntries: 0, ttlMs: 1 },
    { maxEntries: 1.5, ttlMs: 1 },
    { maxEntries: 1, ttlMs: 0 },
    { maxEntries: 1, ttlMs: Number.NaN },
  ])('has bounds: %o is refused', (evaluationCache) => {
    expect(() => makeClient(config, answer, { evaluationCache })).toThrow(
      expect.objectContaining({ code: 'ERR_OPTIONS_INVALID', option: 'evaluationCache' }),
    );
  });
});
