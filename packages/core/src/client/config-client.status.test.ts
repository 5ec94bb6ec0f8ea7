import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../schema/define-config.ts';
import { ManualSource } from '../test-support/manual-source.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import type { ConfigClientEvent } from './client-options.ts';
import { createConfigClient } from './config-client.ts';

const config = defineConfig({ public: { title: z.string().default('Shop') } });

function makeClient() {
  const source = new ManualSource(rulesetOf({}));
  const events: ConfigClientEvent[] = [];
  const client = createConfigClient({ config, source, onEvent: (event) => events.push(event) });
  return { client, source, events };
}

describe('onStatusChange', () => {
  it('calls its listeners after each change, with the state that belongs to it', async () => {
    const { client, source } = makeClient();
    const seen: string[][] = [];
    client.onStatusChange((status) => seen.push([status, client.health().status]));
    await client.ready();
    source.sink?.status('disconnected');
    source.sink?.status('stream');
    source.sink?.status('stream');
    await client.close();
    expect(seen).toEqual(['ready', 'stale', 'ready', 'closed'].map((status) => [status, status]));
  });

  it('stops with the returned function, one subscription at a time', async () => {
    const { client, source } = makeClient();
    await client.ready();
    const seen: string[] = [];
    const listener = (status: string): number => seen.push(status);
    const end = client.onStatusChange(listener);
    client.onStatusChange(listener);
    end();
    source.sink?.status('disconnected');
    expect(seen).toEqual(['stale']);
    await client.close();
  });

  it('reports an error of a listener, and calls the others', async () => {
    const { client, events } = makeClient();
    const seen: string[] = [];
    const error = new Error('from the listener');
    client.onStatusChange(() => {
      throw error;
    });
    client.onStatusChange((status) => seen.push(status));
    await client.ready();
    expect(seen).toEqual(['ready']);
    expect(events).toContainEqual({ type: 'listener-error', error });
    await client.close();
  });
});
