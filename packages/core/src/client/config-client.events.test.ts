import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../schema/define-config.ts';
import { ManualSource } from '../test-support/manual-source.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import type { ConfigClientEvent, ConfigClientOptions } from './client-options.ts';
import { type ConfigClient, createConfigClient } from './config-client.ts';
import { getSharedConfigClient } from './shared-config-client.ts';

const config = defineConfig({
  public: { title: z.string().default('Shop') },
  flags: { theme: z.enum(['light', 'dark']).default('light') },
});

type Client = ConfigClient<typeof config>;
type Create = (options: ConfigClientOptions<typeof config>) => Client;

/** Settings with which a start reports as much as it can, some of it synchronously. */
function eventful(start: 'ready' | 'background' | 'lazy') {
  const counted = vi.fn();
  const meter = { createCounter: () => ({ add: counted }), createHistogram: () => ({ record: counted }) };
  const options = {
    config,
    start,
    // It pushes values and reports its connection within `start`.
    source: new ManualSource(rulesetOf({ flags: { theme: 'pink' } })),
    overrides: { variables: { TITLE: 'From a variable', THEME: 'pink' } },
    telemetry: { meter },
  };
  return { options, counted };
}

const creators: [name: string, create: Create][] = [
  ['createConfigClient', createConfigClient],
  [
    'getSharedConfigClient',
    (options) => getSharedConfigClient({ ...options, key: `events of ${options.start}` }),
  ],
];

describe.each(creators)('%s', (_, create) => {
  it.each(['ready', 'background', 'lazy'] as const)('emits nothing before it returns (%s)', async (start) => {
    const { options, counted } = eventful(start);
    const events: ConfigClientEvent[] = [];
    let client: Client | undefined;
    client = create({
      ...options,
      onEvent: (event) => {
        expect(client).toBeDefined();
        events.push(event);
      },
    });
    expect([events, counted.mock.calls, client.health().status]).toEqual([[], [], 'starting']);
    const changes: string[] = [];
    client.subscribe(({ revision }) => changes.push(revision));
    await client.ready().catch(() => undefined);
    const types = new Set(events.map(({ type }) => type));
    expect([...types]).toEqual(expect.arrayContaining(['changed', 'connection', 'invalid']));
    expect(changes).toContain('1');
    expect(counted).toHaveBeenCalled();
    await client.close();
  });
});

describe('a start in the background', () => {
  it('lets local values be read at once', async () => {
    const { options } = eventful('background');
    const client = createConfigClient(options);
    expect([client.public('title'), client.origin('title')]).toEqual(['From a variable', 'environment']);
    await client.close();
  });

  it('does not begin if the client is closed before', async () => {
    const { options } = eventful('background');
    const client = createConfigClient(options);
    await client.close();
    expect([options.source.starts, options.source.stops]).toEqual([0, 0]);
  });

  it('lets a hook get the shared client that its event is about', async () => {
    const { options } = eventful('background');
    const found = new Set<Client>();
    const get = (onEvent?: (event: ConfigClientEvent) => unknown): Client =>
      getSharedConfigClient({ ...options, onEvent, key: 'from a hook' });
    const client = get(() => found.add(get()));
    await expect.poll(() => client.health().status).toBe('ready');
    expect([...found]).toEqual([client]);
    await client.close();
  });
});

describe('a hook', () => {
  it.each(['ready', 'background', 'lazy'] as const)(
    'may call ready(), which joins the start (%s)',
    async (start) => {
      const { options } = eventful(start);
      const waiting: Promise<unknown>[] = [];
      const client: Client = createConfigClient({
        ...options,
        overrides: false,
        onEvent: ({ type }) => {
          if (type === 'changed' || type === 'connection' || type === 'ready') waiting.push(client.ready());
        },
      });
      await client.ready();
      expect(waiting.length).toBeGreaterThan(1);
      expect(await Promise.all(waiting)).toEqual(waiting.map(() => client));
      expect(options.source.starts).toBe(1);
      await client.close();
    },
  );

  it.each(['ready', 'background', 'lazy'] as const)(
    'may close the client at any event, and gets none after the status closed (%s)',
    async (start) => {
      for (const closesAt of ['status', 'connection', 'changed', 'fallback'] as const) {
        for (const next of [rulesetOf({ flags: { theme: 'pink' } }), new Error('unreachable')]) {
          const events: ConfigClientEvent[] = [];
          const client: Client = createConfigClient({
            config,
            start,
            source: new ManualSource(next),
            bundled: { defaults: { flags: { theme: 'dark' } } },
            fallback: 'cached',
            overrides: false,
            onEvent: (event) => {
              events.push(event);
              if (event.type === closesAt) void client.close();
            },
          });
          await client.ready().catch(() => undefined);
          await client.close();
          expect(events.at(-1)).toMatchObject({ type: 'status', status: 'closed' });
        }
      }
    },
  );
});
