import { afterEach, describe, expect, it } from 'vitest';
import { type ConfigErrorCode, isConfigError } from '../index.ts';
import { type TokenEvent, TokenProvider, type TokenProviderOptions } from '../server.ts';
import { embeddedForms, everythingOf, formsOf, leaksOf } from '../test-support/leak-search.ts';
import {
  type LoopbackServer,
  type Responder,
  sendJson,
  startLoopbackServer,
} from '../test-support/loopback-server.ts';

const SECRET = 'cs/9+Zq=hunter two&ü"\\x';
const TOKEN = 'eyJhbGciOiJ.at-Pay+load/Y29uZmln~x=.c2ln';
const ASSERTION = 'assertion/of+the=client~1';
const ALL = [SECRET, TOKEN, ASSERTION];

const servers: LoopbackServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

/** The secrets in every encoding, and the request as it was received. */
function echo(request: { body: string; headers: object }): string {
  const forms = ALL.flatMap((text) => [...formsOf(text), ...embeddedForms(text)]);
  return `${forms.join(' ')} ${request.body} ${JSON.stringify(request.headers)}`;
}

/** A fetch that throws an error with its whole request, as some network libraries do. */
function leakyFetch(code?: string): typeof fetch {
  return async (input, init) => {
    const text = JSON.stringify([input, init?.body, [...new Headers(init?.headers)], ALL]);
    const cause = Object.assign(new Error(text), { ...(code !== undefined && { code }), request: init });
    throw Object.assign(new TypeError(text, { cause }), { config: init });
  };
}

type Case = [
  name: string,
  code: ConfigErrorCode,
  reason: string | undefined,
  respond: Responder,
  options?: Partial<TokenProviderOptions>,
];

const silent: Responder = () => undefined;
const refuse =
  (status: number, headers: Record<string, string> = {}): Responder =>
  (request, response) => {
    const text = echo(request);
    const body = {
      error: text,
      error_description: text,
      error_uri: `https://x.example/?${TOKEN}`,
      message: text,
    };
    sendJson(response, status, { ...body, access_token: TOKEN, [text]: text }, headers);
  };
const grant =
  (body: object): Responder =>
  (request, response) =>
    sendJson(response, 200, { echo: echo(request), ...body });

const cases: Case[] = [
  ['a time-out', 'ERR_TOKEN_TRANSPORT', 'timeout', silent, { timeoutMs: 50 }],
  [
    'a reset',
    'ERR_TOKEN_TRANSPORT',
    'reset',
    (_request, _response, { socket }) => void socket.resetAndDestroy(),
  ],
  ['DNS', 'ERR_TOKEN_TRANSPORT', 'dns', silent, { fetch: leakyFetch('ENOTFOUND') }],
  ['TLS', 'ERR_TOKEN_TRANSPORT', 'tls', silent, { fetch: leakyFetch('CERT_HAS_EXPIRED') }],
  [
    'a network error that quotes the request',
    'ERR_TOKEN_TRANSPORT',
    'network',
    silent,
    { fetch: leakyFetch() },
  ],
  [
    'an error code that quotes the secret',
    'ERR_TOKEN_TRANSPORT',
    'network',
    silent,
    { fetch: leakyFetch(`E${SECRET}`) },
  ],
  ['a refusal', 'ERR_TOKEN_REJECTED', undefined, refuse(400)],
  ['a server error', 'ERR_TOKEN_REJECTED', undefined, refuse(503)],
  [
    'a refusal in HTML',
    'ERR_TOKEN_REJECTED',
    undefined,
    (request, response) => void response.writeHead(401).end(`<p>${echo(request)}`),
  ],
  [
    'a refusal that repeats the secrets without the form',
    'ERR_TOKEN_REJECTED',
    undefined,
    (request, response) => {
      const text = echo({ body: '', headers: request.headers });
      sendJson(response, 401, { error: SECRET, error_description: text, access_token: TOKEN });
    },
  ],
  ['a Retry-After', 'ERR_TOKEN_THROTTLED', undefined, refuse(429, { 'retry-after': '60' })],
  [
    'a response that is not JSON',
    'ERR_TOKEN_MALFORMED',
    'not-json',
    (request, response) => void response.end(echo(request)),
  ],
  ['a response without a token', 'ERR_TOKEN_MALFORMED', 'no-token', grant({ accessToken: TOKEN })],
  ['an unusable token', 'ERR_TOKEN_MALFORMED', 'unusable-token', grant({ access_token: `${TOKEN}\n` })],
  [
    'a token of another type',
    'ERR_TOKEN_MALFORMED',
    'token-type',
    grant({ access_token: TOKEN, token_type: SECRET }),
  ],
  [
    'a response that is too large',
    'ERR_TOKEN_MALFORMED',
    'too-large',
    grant({ access_token: TOKEN.repeat(2_000) }),
  ],
  [
    'a token that has expired on arrival',
    'ERR_TOKEN_MALFORMED',
    'expired',
    grant({ access_token: TOKEN, expires_in: 0.000_001 }),
  ],
  [
    'a secret function whose error quotes the secret',
    'ERR_OPTIONS_INVALID',
    undefined,
    silent,
    {
      clientSecret: () => {
        throw new Error(SECRET);
      },
    },
  ],
];

describe.each(['body', 'basic', 'basic-raw'] as const)('with credentialsIn %s', (credentialsIn) => {
  it.each(cases)('%s leaks nothing', async (_, code, reason, respond, options) => {
    const server = await startLoopbackServer(respond);
    servers.push(server);
    const events: TokenEvent[] = [];
    const provider = new TokenProvider({
      authUrl: server.url,
      clientId: 'client-1',
      clientSecret: SECRET,
      credentialsIn,
      extraParameters: { client_assertion: ASSERTION },
      maxAttempts: 1,
      onEvent: (event) => {
        events.push(event);
      },
      ...options,
    });
    const error: unknown = await provider.getAccessToken().catch((thrown: unknown) => thrown);
    expect(isConfigError(error, code), everythingOf(error)).toBe(true);
    if (reason !== undefined) expect(error).toMatchObject({ reason });
    expect(everythingOf(error)).not.toMatch(/grant_type|<p>/);
    for (const shown of [error, events, provider.status(), provider]) {
      expect(leaksOf(everythingOf(shown), ALL)).toEqual([]);
    }
  });
});

it('a refused connection leaks nothing', async () => {
  const server = await startLoopbackServer(silent);
  await server.close();
  const provider = new TokenProvider({
    authUrl: server.url,
    clientId: 'c',
    clientSecret: SECRET,
    maxAttempts: 1,
  });
  const error: unknown = await provider.getAccessToken().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT', reason: 'refused' });
  expect(leaksOf(everythingOf(error), ALL)).toEqual([]);
});

it('a cached or dropped token is not repeated by later errors', async () => {
  const server = await startLoopbackServer((_request, response, more) =>
    more.count === 1
      ? sendJson(response, 200, { access_token: TOKEN })
      : sendJson(response, 400, { error: 'invalid_request', error_description: `Revoke ${TOKEN} first.` }),
  );
  servers.push(server);
  const provider = new TokenProvider({ authUrl: server.url, clientId: 'c', clientSecret: SECRET });
  expect(await provider.getAccessToken()).toBe(TOKEN);
  provider.invalidate(TOKEN);
  const error: unknown = await provider.getAccessToken().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ errorDescription: 'Revoke [redacted] first.' });
  expect(leaksOf(everythingOf(error), [SECRET, TOKEN])).toEqual([]);
});

it('the reason of an abort is not repeated', async () => {
  const server = await startLoopbackServer(silent);
  servers.push(server);
  const provider = new TokenProvider({
    authUrl: server.url,
    clientId: 'c',
    clientSecret: SECRET,
    maxAttempts: 1,
  });
  const controller = new AbortController();
  const call = provider.getAccessToken({ signal: controller.signal }).catch((thrown: unknown) => thrown);
  controller.abort(new Error(SECRET));
  const error: unknown = await call;
  expect(error).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT', reason: 'aborted' });
  expect(leaksOf(everythingOf(error), ALL)).toEqual([]);
});

describe('an issuer that repeats a part of the secret', () => {
  /** Base64 of it has `+` and `/`, which Base64url replaces. */
  const LONG_SECRET = 'k~7>>>???\u00ff\u00fe~~~quite-a-long-secret-0123456789';
  const base64 = Buffer.from(LONG_SECRET).toString('base64');
  const inBasic = Buffer.from(`client-1:${LONG_SECRET}`).toString('base64');
  const urlSafe = (text: string): string =>
    text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

  it.each([
    ['its first 16 characters', LONG_SECRET.slice(0, 16)],
    ['all but its last character', LONG_SECRET.slice(0, -1)],
    ['its first half, twice', `${LONG_SECRET.slice(0, 25)}${LONG_SECRET.slice(0, 25)}`],
    ['URL-encoded and cut short', encodeURIComponent(LONG_SECRET).slice(0, 30)],
    ['as Base64', base64],
    ['as Base64 and cut short', base64.slice(0, 30)],
    ['as Base64url', urlSafe(base64)],
    ['as Base64url and cut short', urlSafe(base64).slice(0, 30)],
    ['within HTTP Basic', inBasic],
    ['within HTTP Basic as Base64url', urlSafe(inBasic)],
    ['within a longer text as Base64url', urlSafe(Buffer.from(`ab:${LONG_SECRET}:more`).toString('base64'))],
    ['in capitals', LONG_SECRET.slice(0, 30).replace(/[a-z]/g, (letter) => letter.toUpperCase())],
  ])('has it redacted: %s', async (_, part) => {
    const server = await startLoopbackServer((_request, response) =>
      sendJson(response, 400, { error: 'invalid_request', error_description: `Got <${part}> there.` }),
    );
    servers.push(server);
    const options = { authUrl: server.url, clientId: 'client-1', clientSecret: LONG_SECRET };
    const error: unknown = await new TokenProvider(options)
      .getAccessToken()
      .catch((thrown: unknown) => thrown);
    const { errorDescription = '' } = error as { errorDescription?: string };
    expect(errorDescription).toMatch(/^Got <.*\[redacted\].*> there\.$/s);
    // What is left of Base64 are the characters that also depend on what surrounds the secret.
    const left = errorDescription.slice('Got <'.length, -'> there.'.length).replaceAll('[redacted]', '');
    expect(left.length).toBeLessThanOrEqual(part.includes(':') ? 0 : 20);
    const shown = everythingOf(error);
    for (let at = 0; at + 16 <= part.length; at++) {
      const piece = part.slice(at, at + 16);
      const isOfSecret = [LONG_SECRET, base64, urlSafe(base64)].some((form) => form.includes(piece));
      if (isOfSecret) expect(shown).not.toContain(piece);
    }
  });
});

it.each([
  [
    'a secret that repeats itself',
    `${'ab'.repeat(8)}c-the-rest-of-it`,
    `ab${'ab'.repeat(8)}c-the-rest-of-it`,
  ],
  ['two secrets in a row', SECRET, `${SECRET}${SECRET}`],
])('%s is redacted as a whole', async (_, clientSecret, text) => {
  const server = await startLoopbackServer((_request, response) =>
    sendJson(response, 400, { error_description: `Got ${text}.` }),
  );
  servers.push(server);
  const provider = new TokenProvider({ authUrl: server.url, clientId: 'c', clientSecret });
  const error: unknown = await provider.getAccessToken().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ errorDescription: 'Got [redacted].' });
});

it.each([
  ['wrong', 'The client secret is wrong.', 'The client secret is wrong.'],
  ['s3cret', 'Got s3cret.', 'Got [redacted].'],
])(
  'a client secret is redacted from 6 characters on, as a shorter one may be a word: %s',
  async (clientSecret, text, shown) => {
    const server = await startLoopbackServer((_request, response) =>
      sendJson(response, 401, { error: 'invalid_client', error_description: text }),
    );
    servers.push(server);
    const provider = new TokenProvider({ authUrl: server.url, clientId: 'c', clientSecret });
    const error: unknown = await provider.getAccessToken().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ errorDescription: shown });
  },
);

it('a long text of the issuer is cut', async () => {
  const server = await startLoopbackServer((_request, response) =>
    sendJson(response, 400, { error_description: 'x'.repeat(2_000) }),
  );
  servers.push(server);
  const provider = new TokenProvider({ authUrl: server.url, clientId: 'c', clientSecret: SECRET });
  const error: unknown = await provider.getAccessToken().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ errorDescription: `${'x'.repeat(500)}…` });
});
