import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../schema/define-config.ts';
import { everythingOf, leaksOf } from '../test-support/leak-search.ts';
import { createConfigClient } from './config-client.ts';

const config = defineConfig({
  public: { title: z.string().default('Shop') },
  secrets: {
    databaseUrl: z.string().regex(/^postgres/),
    tokens: z.record(z.string(), z.number()).optional(),
    fromFile: z.string().optional(),
    fromVariable: z.string().optional(),
  },
  flags: { newCheckout: z.boolean().default(false) },
});

const CLIENT_SECRET = 'a client/secret+of a test';
const TOKEN = 'token.of/a+test==';
const SECRETS = {
  stored: 'postgres://user:stored-hunter@db/shop?x=1&y=2',
  rotated: 'postgres://user:rotated-hunter@db/shop',
  refused: 'not a url but refused-hunter',
  name: 'name-of-hunter',
  file: 'bundled-hunter',
  variable: 'variable-hunter',
};

const json = (body: unknown, status = 200): Response => Response.json(body, { status });

/** A server without a stream. From its third ruleset on, the schema rejects the secrets. */
function startServer() {
  let count = 0;
  const ruleset = () => {
    count += 1;
    const databaseUrl = [SECRETS.stored, SECRETS.rotated, SECRETS.refused][Math.min(count, 3) - 1];
    const tokens = { [SECRETS.name]: count < 3 ? 1 : SECRETS.name };
    return {
      revision: String(count),
      environment: 'production',
      public: {},
      secret: { databaseUrl, tokens },
      flags: { newCheckout: true },
      limits: {},
      segments: {},
    };
  };
  return (input: RequestInfo | URL): Promise<Response> => {
    const { pathname } = new URL(input as string);
    if (pathname.endsWith('/token')) {
      return Promise.resolve(json({ access_token: TOKEN, token_type: 'Bearer', expires_in: 3_600 }));
    }
    if (pathname.endsWith('/ruleset')) return Promise.resolve(json(ruleset()));
    return Promise.resolve(json({ error: `${TOKEN} ${CLIENT_SECRET}` }, 503));
  };
}

afterEach(() => {
  vi.useRealTimers();
});

it('shows no secret and no token of a client in anything that may be logged', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const directory = await mkdtemp(join(tmpdir(), 'leaks-'));
  const file = join(directory, 'copy.json');
  const recorded: unknown[] = [];
  const record = (...values: unknown[]): void => void recorded.push(values);
  const meter = { createCounter: () => ({ add: record }), createHistogram: () => ({ record }) };
  const span = { setStatus: record, setAttribute: record, addEvent: record, end: record };
  const tracer = {
    startSpan: (...values: unknown[]) => {
      record(...values);
      return span;
    },
  };
  const client = createConfigClient({
    config,
    apiUrl: 'https://config.example',
    authUrl: 'https://auth.example',
    clientId: 'client',
    clientSecret: CLIENT_SECRET,
    organizationId: 'org-1',
    environment: 'production',
    fetch: startServer(),
    pollIntervalMs: 20,
    cache: { file, writeIntervalMs: 0 },
    bundled: { defaults: { secrets: { fromFile: SECRETS.file } } },
    overrides: { variables: { FROM_VARIABLE: SECRETS.variable, TOKENS: SECRETS.refused } },
    start: 'background',
    telemetry: { meter, tracer },
    onEvent: record,
  });
  const rotations = vi.fn();
  client.onSecretChange('databaseUrl', rotations);
  await client.ready();
  expect([client.secret('fromFile'), client.secret('fromVariable')]).toEqual([
    SECRETS.file,
    SECRETS.variable,
  ]);
  // Three failed streams, and then polling.
  for (let step = 0; step < 100 && client.health().invalidKeys.length < 3; step += 1) {
    await vi.advanceTimersByTimeAsync(50);
  }
  expect(client.health().invalidKeys.length).toBeGreaterThan(2);
  expect(client.secret('databaseUrl')).toBe(SECRETS.rotated);
  const thrown = await client.evaluateFlag('newCheckout').catch((error: unknown) => error);
  const show = { depth: Number.POSITIVE_INFINITY, showHidden: true, maxStringLength: null };
  const texts = [client, client.health(), client.snapshot(), recorded].map((value) => inspect(value, show));
  texts.push(JSON.stringify([client, client.health(), client.snapshot()]), everythingOf(thrown));
  for (const event of recorded.flat()) {
    if (typeof event === 'object' && event !== null && 'error' in event)
      texts.push(everythingOf(event.error));
    texts.push(JSON.stringify(event) ?? '');
  }
  await client.close();
  texts.push(await readFile(file, 'utf8'));
  expect(recorded.length).toBeGreaterThan(20);
  expect(leaksOf(texts.join('\n'), [CLIENT_SECRET, TOKEN, ...Object.values(SECRETS)])).toEqual([]);
  await rm(directory, { recursive: true });
});
