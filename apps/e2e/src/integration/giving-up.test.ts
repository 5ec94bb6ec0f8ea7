import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runScript } from './child-script.ts';

/**
 * Of 20 ms each. The shortest time limit of anything that used to go on was 10 s, or 500 ticks. Exiting takes one or two,
 * also if the machine stops meanwhile, because a stopped process does not tick.
 */
const LINGER_LIMIT_TICKS = 250;

const silent = createServer(() => undefined);
const issuer = createServer((_, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ access_token: 't', token_type: 'Bearer', expires_in: 3600 }));
});
let env: Record<string, string> = {};

beforeAll(async () => {
  const [silentUrl = '', tokenUrl = ''] = await Promise.all(
    [silent, issuer].map(async (server) => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    }),
  );
  env = { SILENT_URL: silentUrl, TOKEN_URL: tokenUrl, SMOOAI_CONFIG_AUTH_URL: '', SMOOAI_AUTH_URL: '' };
});
afterAll(() => {
  for (const server of [silent, issuer]) {
    server.close();
    server.closeAllConnections();
  }
});

describe('a process ends when its last caller gives up on a silent server', () => {
  it.concurrent.each([
    ['ready, no token', 'ERR_READY_TIMEOUT'],
    ['ready, no values', 'ERR_READY_TIMEOUT'],
    ['ready, no metadata', 'ERR_READY_TIMEOUT'],
    ['ready, own fetch', 'ERR_READY_TIMEOUT'],
    ['ready, several', 'ERR_READY_TIMEOUT'],
    ['closed while it starts', 'ERR_CLIENT_CLOSED'],
    ['closed in the background', 'closed'],
    ['evaluateFlag', 'ERR_EVALUATE_FAILED'],
    ['evaluateFlag, signal', 'ERR_EVALUATE_FAILED'],
    ['getAccessToken', 'ERR_TOKEN_TRANSPORT'],
    ['getAccessToken, secret', 'ERR_TOKEN_TRANSPORT'],
    ['getAccessToken, retries', 'ERR_TOKEN_TRANSPORT'],
    ['ConfigApi, signal, no token', 'ERR_REQUEST_TRANSPORT'],
    ['ConfigApi, signal', 'ERR_REQUEST_TRANSPORT'],
    ['ConfigApi, deadline, no token', 'ERR_REQUEST_TRANSPORT'],
    ['ConfigApi, deadline', 'ERR_REQUEST_TRANSPORT'],
    ['ConfigApi, stream', 'ERR_REQUEST_TRANSPORT'],
    ['discoverSettings', 'ERR_TOKEN_TRANSPORT'],
  ])('%s', async (wait, outcome) => {
    const output = JSON.parse(await runScript('giving-up-process.mjs', { args: [wait], env }));
    expect(output).toEqual({ outcome, lingeredTicks: expect.any(Number) });
    expect(output.lingeredTicks).toBeLessThan(LINGER_LIMIT_TICKS);
  });
});
