import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { type ConfigErrorCode, isConfigError } from './index.ts';
import { ConfigApi, resolveSettings, TokenProvider } from './server.ts';
import { embeddedForms, everythingOf, formsOf, leaksOf } from './test-support/leak-search.ts';
import {
  type LoopbackServer,
  type Responder,
  sendJson,
  startLoopbackServer,
} from './test-support/loopback-server.ts';

const CLIENT_SECRET = 'cs/9+Zq=hunter two&ü"\\x';
const ACCESS_TOKEN = 'eyJhbGciOiJ.at-Pay+load/Y29uZmln~x=.c2ln';
const STORED_SECRET = 'postgres://me:p4ss/w+rd@db.example/shop';

const servers: LoopbackServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function start(respond: Responder): Promise<string> {
  const server = await startLoopbackServer(respond);
  servers.push(server);
  return server.url;
}

function expectClean(text: string, secrets: string[] = [CLIENT_SECRET, ACCESS_TOKEN, STORED_SECRET]): void {
  expect(leaksOf(text, secrets)).toEqual([]);
}

/** A response that repeats everything the server got, in every encoding. */
function echo(request: { url: string; headers: object; body: string }): string {
  const received = request.url === '/token' ? [CLIENT_SECRET] : [ACCESS_TOKEN, STORED_SECRET];
  return `${received.flatMap((text) => [...formsOf(text), ...embeddedForms(text)]).join(' ')} ${request.body} ${JSON.stringify(request.headers)}`;
}

const tokenAnswer = { access_token: ACCESS_TOKEN, token_type: 'Bearer', expires_in: 3600 };

/** Fails like a network library whose errors contain the whole request. */
const leakyFetch: typeof fetch = async (input, init) => {
  const text = JSON.stringify([input, init?.body, [...new Headers(init?.headers)]]);
  const cause = Object.assign(new Error(`request: ${text}`), {
    code: 'ECONNRESET',
    request: { input, init },
  });
  throw Object.assign(new TypeError(`fetch failed: ${text}`, { cause }), { options: init, config: init });
};

/** Fails with an error code that contains the request's token. */
const leakyCode: typeof fetch = async (_, init) => {
  const code = `E${new Headers(init?.headers).get('authorization') ?? ''}`;
  throw new TypeError('fetch failed', { cause: Object.assign(new Error('it failed'), { code }) });
};

type Case = [name: string, code: ConfigErrorCode, respond: Responder, fetch?: typeof fetch];

const tokenCases: Case[] = [
  [
    'rejected with an echo',
    'ERR_TOKEN_REJECTED',
    (request, response) => {
      const text = echo(request);
      sendJson(response, 401, {
        error: text,
        error_description: text,
        message: text,
        error_uri: text,
        [text]: text,
      });
    },
  ],
  [
    'rejected with plain text',
    'ERR_TOKEN_REJECTED',
    (request, response) => void response.writeHead(500).end(echo(request)),
  ],
  [
    'redirected',
    'ERR_TOKEN_REJECTED',
    (request, response) => void response.writeHead(302, { location: `/?${request.body}` }).end(),
  ],
  ['not JSON', 'ERR_TOKEN_MALFORMED', (request, response) => void response.end(echo(request))],
  [
    'without access_token',
    'ERR_TOKEN_MALFORMED',
    (request, response) => sendJson(response, 200, { accessToken: ACCESS_TOKEN, request }),
  ],
  [
    'a token that breaks a header',
    'ERR_TOKEN_MALFORMED',
    (_, response) => sendJson(response, 200, { access_token: `${ACCESS_TOKEN}\n` }),
  ],
  ['reset', 'ERR_TOKEN_TRANSPORT', (_request, _response, { socket }) => void socket.resetAndDestroy()],
  ['hanging', 'ERR_TOKEN_TRANSPORT', () => undefined],
  ['a leaky fetch', 'ERR_TOKEN_TRANSPORT', () => undefined, leakyFetch],
];

const requestCases: Case[] = [
  [
    'rejected with an echo',
    'ERR_REQUEST_REJECTED',
    (request, response) => {
      const text = echo(request);
      const list = [text, { key: text, message: text, path: text, value: text, nested: { text } }];
      sendJson(response, 409, { message: text, cause: text, list, value: text, headers: request.headers });
    },
  ],
  [
    'unauthorized twice',
    'ERR_REQUEST_REJECTED',
    (request, response) => sendJson(response, 401, { message: echo(request) }),
  ],
  [
    'rejected with plain text',
    'ERR_REQUEST_REJECTED',
    (request, response) => void response.writeHead(502).end(echo(request)),
  ],
  ['not JSON', 'ERR_RESPONSE_MALFORMED', (request, response) => void response.end(echo(request))],
  ['malformed', 'ERR_RESPONSE_MALFORMED', (request, response) => sendJson(response, 200, [echo(request)])],
  ['reset', 'ERR_REQUEST_TRANSPORT', (_request, _response, { socket }) => void socket.resetAndDestroy()],
  ['hanging', 'ERR_REQUEST_TRANSPORT', () => undefined],
  ['a leaky fetch', 'ERR_REQUEST_TRANSPORT', () => undefined, leakyFetch],
  ['a leaky error code', 'ERR_REQUEST_TRANSPORT', () => undefined, leakyCode],
];

/** Only a hanging server is to be given up soon. */
const timeoutFor = (name: string): number => (name === 'hanging' ? 50 : 10_000);

async function failureOf(work: Promise<unknown>, code: ConfigErrorCode): Promise<unknown> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(isConfigError(error, code), inspect(error)).toBe(true);
  return error;
}

describe('no error contains the client secret, a token or a stored secret', () => {
  it.each(tokenCases)('token: %s', async (name, code, respond, fetch) => {
    const authUrl = await start(respond);
    const provider = new TokenProvider({
      authUrl,
      clientId: 'c',
      clientSecret: CLIENT_SECRET,
      timeoutMs: timeoutFor(name),
      maxAttempts: 1,
      fetch,
    });
    const error = await failureOf(provider.getAccessToken(), code);
    expectClean(everythingOf(error));
  });

  it.each(requestCases)('request: %s', async (name, code, respond, fetch) => {
    const url = await start((request, response, more) =>
      request.url === '/token' ? sendJson(response, 200, tokenAnswer) : respond(request, response, more),
    );
    const tokenProvider = new TokenProvider({ authUrl: url, clientId: 'c', clientSecret: CLIENT_SECRET });
    const api = new ConfigApi({
      apiUrl: url,
      organizationId: 'o',
      tokenProvider,
      timeoutMs: timeoutFor(name),
      fetch,
    });
    const value = {
      schemaId: 's',
      environmentId: 'e',
      key: 'databaseUrl',
      tier: 'secret' as const,
      value: STORED_SECRET,
    };
    const error = await failureOf(api.setValue(value, { retries: 0 }), code);
    expectClean(everythingOf(error));
  });

  it.each([
    ['long', ['x9/"'.repeat(100_000)], 200],
    ['long and not ASCII', ['größe/'.repeat(50_000)], 300],
    ['many', Array.from({ length: 1_000 }, (_, index) => `s3cret-${index}/${'y'.repeat(index % 60)}+`), 500],
  ])('request: secrets that are %s, repeated in part', async (_, secrets, echoed) => {
    const values = secrets.map((value, index) => {
      return { schemaId: 's', environmentId: 'e', key: `key${index}`, tier: 'secret' as const, value };
    });
    const starts = secrets.map((secret) => secret.slice(0, echoed));
    const url = await start((request, response) => {
      if (request.url === '/token') return sendJson(response, 200, tokenAnswer);
      const lists = starts.map((text, index) => ({ key: `key${index}`, message: `refused: ${text}…` }));
      const message = `refused: ${starts.slice(0, 20).flatMap(formsOf).join(' ')}`;
      sendJson(response, 409, { message, values: lists });
    });
    const tokenProvider = new TokenProvider({ authUrl: url, clientId: 'c', clientSecret: CLIENT_SECRET });
    const api = new ConfigApi({ apiUrl: url, organizationId: 'o', tokenProvider });
    const error = await failureOf(api.setValues(values), 'ERR_REQUEST_REJECTED');
    expect(error).toMatchObject({ status: 409, body: { values: { length: secrets.length } } });
    expect(error).toMatchObject({ message: expect.stringContaining('refused: [redacted]') });
    expectClean(everythingOf(error), [...starts, ...starts.map((text) => text.slice(0, 24))]);
  });

  it('token: a long secret', async () => {
    const secret = 'x9/"'.repeat(50_000);
    const authUrl = await start((_, response) =>
      sendJson(response, 400, {
        error: 'invalid_client',
        error_description: `${secret.slice(0, 100)}... is wrong`,
      }),
    );
    const provider = new TokenProvider({ authUrl, clientId: 'c', clientSecret: () => secret });
    const error = await failureOf(provider.getAccessToken(), 'ERR_TOKEN_REJECTED');
    expect(error).toMatchObject({ errorDescription: '[redacted]... is wrong' });
    expectClean(everythingOf(error), [secret.slice(0, 24)]);
  });

  it('invalid options and settings', () => {
    const wrong = `https://user:${encodeURIComponent(CLIENT_SECRET)}@auth.example.com`;
    for (const act of [
      () => new TokenProvider({ authUrl: wrong, clientId: 'c', clientSecret: CLIENT_SECRET }),
      () =>
        new TokenProvider({ authUrl: 'http://auth.example.com', clientId: '', clientSecret: CLIENT_SECRET }),
      () => new TokenProvider({ authUrl: CLIENT_SECRET, clientId: 'c', clientSecret: CLIENT_SECRET }),
      () => resolveSettings({ clientSecret: CLIENT_SECRET, apiUrl: wrong }, {}),
      () => resolveSettings({ clientSecret: CLIENT_SECRET }, { SMOOAI_CONFIG_API_KEY: CLIENT_SECRET }),
    ]) {
      let error: unknown;
      try {
        act();
      } catch (reason) {
        error = reason;
      }
      expect(isConfigError(error)).toBe(true);
      expectClean(everythingOf(error));
    }
  });

  it('inspecting the provider and the API', async () => {
    const url = await start((request, response) =>
      request.url === '/token'
        ? sendJson(response, 200, tokenAnswer)
        : sendJson(response, 200, { values: {} }),
    );
    const tokenProvider = new TokenProvider({ authUrl: url, clientId: 'c', clientSecret: CLIENT_SECRET });
    const api = new ConfigApi({ apiUrl: url, organizationId: 'o', tokenProvider });
    await api.listValues('prod');
    for (const object of [tokenProvider, api]) {
      expectClean(
        `${inspect(object, { depth: 99, showHidden: true })} ${JSON.stringify(object)} ${JSON.stringify(Object.entries(object))}`,
      );
    }
  });
});
