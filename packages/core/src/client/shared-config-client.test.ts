import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { AnyConfig } from '../schema/config-types.ts';
import { defineConfig } from '../schema/define-config.ts';
import { ManualSource } from '../test-support/manual-source.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import { getSharedConfigClient } from './shared-config-client.ts';

const define = (value = false): AnyConfig =>
  defineConfig({ flags: { newCheckout: z.boolean().default(value) } }) as AnyConfig;
const ruleset = rulesetOf({ flags: { newCheckout: true } });
const get = (config: AnyConfig, key?: string) =>
  getSharedConfigClient({ config, key, source: new ManualSource(ruleset) });

afterEach(() => vi.unstubAllEnvs());

describe('a shared client', () => {
  it('survives a reload of the module that declares the schema', async () => {
    const client = get(define());
    expect(get(define())).toBe(client);
    expect(get(define(), 'other')).not.toBe(client);
    await client.close();
  });

  it('is replaced if the schema was edited or the client was closed', async () => {
    const client = get(define());
    const edited = get(define(true));
    expect(edited).not.toBe(client);
    await client.close();
    const next = get(define());
    expect(next).not.toBe(client);
    expect((await next.ready()).flag('newCheckout')).toBe(true);
    await Promise.all([next.close(), edited.close()]);
  });

  it('is closed in development once three newer schemas exist', async () => {
    const schemas = [1, 2, 3, 4].map((columns) =>
      defineConfig({ flags: { columns: z.number().default(columns) } }),
    ) as AnyConfig[];
    const inProduction = schemas.map((config) => get(config, 'production'));
    vi.stubEnv('NODE_ENV', 'development');
    const inDevelopment = schemas.map((config) => get(config, 'development'));
    const statuses = (clients: typeof inProduction) => clients.map((client) => client.health().status);
    expect(statuses(inProduction)).toEqual(['starting', 'starting', 'starting', 'starting']);
    expect(statuses(inDevelopment)).toEqual(['closed', 'starting', 'starting', 'starting']);
    await Promise.all([...inProduction, ...inDevelopment].map((client) => client.close()));
  });
});
