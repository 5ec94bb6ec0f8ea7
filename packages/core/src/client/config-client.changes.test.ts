import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../schema/define-config.ts';
import { ManualSource } from '../test-support/manual-source.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import type { Ruleset } from '../wire.ts';
import type { ConfigClientEvent } from './client-options.ts';
import { createConfigClient } from './config-client.ts';

const config = defineConfig({
  public: { title: z.string().default('Shop') },
  secrets: {
    databaseUrl: z.url(),
    pool: z.object({ size: z.number() }).default({ size: 1 }),
    webhook: z
      .url()
      .transform((text) => new URL(text))
      .optional(),
  },
  flags: { newCheckout: z.boolean().default(false) },
});

const databaseUrl = 'postgres://user:hunter2@db.example:5432/shop';

const ruleset = (values: Partial<Ruleset> = {}): Ruleset => rulesetOf({ secret: { databaseUrl }, ...values });

async function readyClient() {
  const source = new ManualSource(ruleset());
  const events: ConfigClientEvent[] = [];
  const onEvent = (event: ConfigClientEvent): number => events.push(event);
  const client = await createConfigClient({ config, source, onEvent }).ready();
  const { sink } = source;
  if (sink === undefined) throw new Error('the source was not started');
  return { client, sink, events };
}

describe('onSecretChange()', () => {
  it('calls the listener with the new value of a rotation, and for nothing else', async () => {
    const { client, sink, events } = await readyClient();
    const seen: string[] = [];
    const pools: number[] = [];
    const unsubscribe = client.onSecretChange('databaseUrl', (value) => void seen.push(value));
    client.onSecretChange('pool', ({ size }) => void pools.push(size));
    const rotated = 'postgres://user:hunter3@db.example:5432/shop';
    const set = (revision: string, key: string, value: Ruleset['secret'][string]): void =>
      sink.patch({ revision, changes: [{ tier: 'secret', key, value }] });
    set('2', 'databaseUrl', rotated);
    set('3', 'databaseUrl', 'hunter4 is not a url');
    set('4', 'databaseUrl', rotated);
    set('5', 'pool', { size: 4 });
    sink.patch({ revision: '6', changes: [{ tier: 'feature_flag', key: 'newCheckout', value: true }] });
    unsubscribe();
    set('7', 'databaseUrl', databaseUrl);
    expect(seen).toEqual([rotated]);
    expect(pools).toEqual([4]);
    expect(JSON.stringify(events)).not.toContain('hunter');
  });

  it('compares class instances by what is stored, and ignores a value that comes back', async () => {
    const { client, sink } = await readyClient();
    const seen: string[] = [];
    let revision = 1;
    const set = (value: string): void => {
      revision += 1;
      sink.patch({ revision: String(revision), changes: [{ tier: 'secret', key: 'webhook', value }] });
    };
    set('https://one.example');
    client.onSecretChange('webhook', (url) => void seen.push(url?.host ?? ''));
    set('https://two.example');
    set('not a url');
    set('https://two.example');
    set('https://three.example');
    expect(seen).toEqual(['two.example', 'three.example']);
  });

  it('accepts only secrets, and reports a listener that rejects', async () => {
    const { client, sink, events } = await readyClient();
    // @ts-expect-error a flag is not a secret
    expect(() => client.onSecretChange('newCheckout', () => undefined)).toThrow(
      expect.objectContaining({ code: 'ERR_KEY_UNKNOWN' }),
    );
    client.onSecretChange('databaseUrl', () => Promise.reject(new Error('no pool')));
    sink.patch({
      revision: '2',
      changes: [{ tier: 'secret', key: 'databaseUrl', value: 'https://new.example' }],
    });
    await expect.poll(() => events.map(({ type }) => type)).toContain('listener-error');
  });
});

describe('changes', () => {
  it('that a listener causes reach all listeners in order', async () => {
    const { client, sink } = await readyClient();
    const seen: string[] = [];
    client.subscribe(({ revision }) => {
      if (revision === '2') sink.replace(ruleset({ revision: '3', public: { title: 'Three' } }));
    });
    client.subscribe(({ revision }) => seen.push(revision));
    sink.replace(ruleset({ revision: '2', public: { title: 'Two' } }));
    expect(seen).toEqual(['2', '3']);
  });

  it('to an invalid value are reported once, not again with later changes', async () => {
    const { sink, events } = await readyClient();
    sink.patch({ revision: '2', changes: [{ tier: 'feature_flag', key: 'newCheckout', value: 'yes' }] });
    sink.patch({ revision: '3', changes: [{ tier: 'public', key: 'title', value: 'Other' }] });
    sink.patch({ revision: '4', changes: [{ tier: 'public', key: 'title', value: 'Another' }] });
    expect(events.filter(({ type }) => type === 'invalid')).toHaveLength(1);
  });
});
