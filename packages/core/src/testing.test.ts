import { runInNewContext } from 'node:vm';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig } from './schema/define-config.ts';
import { defineLimit } from './schema/limit.ts';
import { createTestClient } from './testing.ts';

const config = defineConfig({
  public: { since: z.date().optional(), tags: z.set(z.string()).optional() },
  secrets: { databaseUrl: z.url() },
  flags: { newCheckout: z.boolean().default(false), theme: z.enum(['light', 'dark']).default('light') },
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100, step: 5 }) },
});
const databaseUrl = 'https://db.example';
const inCountry = (country: string) => ({ attribute: 'country', op: 'in' as const, values: [country] });
const ofStaff = {
  $cohort: { defaultValue: false, rules: [{ id: 'staff', when: { segment: 'staff' }, value: true }] },
};

describe('a test client', () => {
  it('takes values that are no JSON, and hears of each change of them', () => {
    const client = createTestClient({ config, secrets: { databaseUrl }, public: { since: new Date(0) } });
    const listener = vi.fn();
    client.subscribe(listener);
    client.set({ public: { since: new Date(1) } });
    client.set({ public: { tags: new Set(['a']) } });
    client.set({ public: { tags: new Set(['b']) } });
    expect(client.public('since')).toEqual(new Date(1));
    expect(client.public('tags')).toEqual(new Set(['b']));
    expect(listener).toHaveBeenCalledTimes(3);
  });

  it('lays overrides over each other, whichever ends first, and sets beneath them', () => {
    const client = createTestClient({ config, secrets: { databaseUrl } });
    const outer = client.override({ limits: { cartItems: 50 }, flags: { theme: 'dark' } });
    const inner = client.override({ limits: { cartItems: 73 } });
    client.set({ limits: { cartItems: 10 } });
    expect([client.limit('cartItems'), client.flag('theme')]).toEqual([75, 'dark']);
    outer[Symbol.dispose]();
    outer[Symbol.dispose]();
    expect([client.limit('cartItems'), client.flag('theme')]).toEqual([75, 'light']);
    inner[Symbol.dispose]();
    expect(client.limit('cartItems')).toBe(10);
  });

  it('overrides segments, and keeps the last valid value where one is refused', () => {
    const client = createTestClient({
      config,
      secrets: { databaseUrl },
      flags: { newCheckout: ofStaff, theme: 'dark' },
      segments: { staff: inCountry('NL') },
    });
    const answers = () => ['NL', 'DE'].map((country) => client.flag('newCheckout', { country }));
    {
      using _ = client.override({ segments: { staff: inCountry('DE') }, flags: { theme: 'pink' as never } });
      expect(answers()).toEqual([false, true]);
      expect([client.flag('theme'), client.health().invalidKeys.map(({ key }) => key)]).toEqual([
        'dark',
        ['theme'],
      ]);
    }
    expect([answers(), client.health().invalidKeys]).toEqual([[true, false], []]);
  });

  it('overrides while asynchronous scopes overlap, fail, or are of another kind of promise', async () => {
    const client = createTestClient({ config, secrets: { databaseUrl } });
    const theme = () => client.flag('theme');
    const gates: (() => void)[] = [];
    const gate = () => new Promise<void>((resolve) => gates.push(resolve));
    const first = client.override({ flags: { theme: 'dark' } }, () => gate());
    const second = client.override({ flags: { theme: 'dark' } }, async () => {
      await gate();
      throw new Error('scope');
    });
    gates[0]?.();
    await first;
    expect(theme()).toBe('dark');
    gates[1]?.();
    await expect(second).rejects.toThrow('scope');
    expect(theme()).toBe('light');
    const ofAnotherRealm = runInNewContext('(read) => Promise.resolve().then(read)');
    expect(await client.override({ flags: { theme: 'dark' } }, () => ofAnotherRealm(theme))).toBe('dark');
    expect(theme()).toBe('light');
  });

  it('is told of by a listener that overrides and sets while it is told', () => {
    const client = createTestClient({ config, secrets: { databaseUrl } });
    const heard: string[] = [];
    client.subscribe(({ keys }) => {
      if (keys.includes('theme')) client.set({ flags: { newCheckout: client.flag('theme') === 'dark' } });
    });
    client.subscribe(({ keys }) => heard.push(`${keys.join()} ${client.flag('newCheckout')}`));
    client.override({ flags: { theme: 'dark' } }, () => expect(client.flag('newCheckout')).toBe(true));
    expect(client.flag('newCheckout')).toBe(false);
    expect(heard).toEqual(['theme true', 'newCheckout true', 'theme false', 'newCheckout false']);
  });
});
