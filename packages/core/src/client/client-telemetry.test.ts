import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../schema/define-config.ts';
import { sendJson, startLoopbackServer } from '../test-support/loopback-server.ts';
import { ManualSource } from '../test-support/manual-source.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import { createConfigClient } from './config-client.ts';

const config = defineConfig({
  public: { title: z.string().default('Shop') },
  secrets: { databaseUrl: z.url() },
  flags: { newCheckout: z.boolean().default(false) },
});
const ruleset = rulesetOf({ secret: { databaseUrl: 'postgres://user:hunter2@db.example:5432/shop' } });

describe('telemetry', () => {
  it('counts reads by tier and origin, and reports changes by key', async () => {
    const counts = new Map<string, number>();
    const spans: unknown[] = [];
    const meter = {
      createCounter: (name: string) => ({
        add: (value: number, attributes: Record<string, unknown> = {}) => {
          const label = [name, ...Object.values(attributes)].join(' ');
          counts.set(label, (counts.get(label) ?? 0) + value);
        },
      }),
      createHistogram: () => ({ record: () => undefined }),
    };
    const tracer = {
      startSpan: (name: string) => ({
        setStatus: () => undefined,
        setAttribute: () => undefined,
        addEvent: (event: string, attributes: unknown) => spans.push([name, event, attributes]),
        end: () => undefined,
      }),
    };
    const source = new ManualSource(ruleset);
    const client = await createConfigClient({ config, source, telemetry: { meter, tracer } }).ready();
    client.flag('newCheckout');
    client.flagDetails('newCheckout');
    client.secret('databaseUrl');
    client.public('title');
    source.sink?.patch({
      revision: '2',
      changes: [{ tier: 'secret', key: 'databaseUrl', value: 'https://new.example' }],
    });
    expect(Object.fromEntries(counts)).toMatchObject({
      'smooai.config.reads feature_flag default': 2,
      'smooai.config.reads secret server': 1,
      'smooai.config.reads public default': 1,
      'smooai.config.changes': 2,
    });
    expect(spans).toContainEqual([
      'config change',
      'smooai.config.changed',
      { 'smooai.config.revision': '2', 'smooai.config.keys': ['databaseUrl'] },
    ]);
    expect(JSON.stringify([...counts, ...spans])).not.toMatch(/hunter|new\.example/);
  });
});

describe('spans', () => {
  it('record the method, host, path and status of each fetch, and nothing else', async () => {
    const server = await startLoopbackServer(({ url, headers }, response) => {
      if (url === '/token') {
        sendJson(response, 200, { access_token: 'token-of-the-test', token_type: 'Bearer', expires_in: 60 });
      } else if (headers.accept === 'text/event-stream') {
        sendJson(response, 503, {});
      } else {
        sendJson(response, 200, ruleset);
      }
    });
    const spans: { name: string; attributes: Record<string, unknown>; status?: number }[] = [];
    const tracer = {
      startSpan: (name: string, { attributes = {} }: { attributes?: Record<string, unknown> } = {}) => {
        const span: (typeof spans)[number] = { name, attributes: { ...attributes } };
        spans.push(span);
        return {
          setStatus: ({ code }: { code: number }) => {
            span.status = code;
          },
          setAttribute: (key: string, value: unknown) => {
            span.attributes[key] = value;
          },
          addEvent: () => undefined,
          end: () => undefined,
        };
      },
    };
    const client = createConfigClient({
      config,
      apiUrl: server.url,
      authUrl: server.url,
      clientId: 'client-of-the-test',
      clientSecret: 'secret-of-the-test',
      organizationId: 'org-1',
      environment: 'production',
      telemetry: { tracer },
    });
    await client.ready();
    expect(client.health().token).toMatchObject({ token: 'fresh', attempts: { succeeded: 1 } });
    await expect.poll(() => spans.some(({ status }) => status === 2), { interval: 5 }).toBe(true);
    await client.close();
    await server.close();
    const fetches = spans.filter(({ name }) => name === 'config fetch');
    const { host } = new URL(server.url);
    expect(fetches.slice(0, 2).map(({ attributes }) => attributes)).toEqual([
      {
        'http.request.method': 'POST',
        'server.address': host,
        'url.path': '/token',
        'http.response.status_code': 200,
      },
      {
        'http.request.method': 'GET',
        'server.address': host,
        'url.path': expect.stringContaining('/ruleset'),
        'http.response.status_code': 200,
      },
    ]);
    expect(spans.map(({ name }) => name)).toContain('token exchange');
    expect(JSON.stringify(spans)).not.toMatch(/of-the-test|hunter/);
  });
});
