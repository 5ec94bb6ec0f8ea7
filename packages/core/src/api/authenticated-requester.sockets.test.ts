import { describe, expect, it } from 'vitest';
import { ResponseMalformedError } from '../errors.ts';
import { startLoopbackServer } from '../test-support/loopback-server.ts';
import { AuthenticatedRequester } from './authenticated-requester.ts';
import type { ApiRequest } from './request-target.ts';

const get: ApiRequest = { method: 'GET', path: ['things'] };

describe('a stream whose response is not an event stream', () => {
  it('gives its socket back, although the body never ends', async () => {
    let open = 0;
    const server = await startLoopbackServer((_, response, { socket }) => {
      open += 1;
      socket.once('close', () => {
        open -= 1;
      });
      response.writeHead(200, { 'content-type': 'text/html' }).write('<html>');
    });
    const requester = new AuthenticatedRequester({
      apiUrl: server.url,
      tokenProvider: { getAccessToken: async () => 't', invalidate: () => undefined },
    });
    const calls = Array.from({ length: 10 }, () => requester.stream(get).catch((error: Error) => error));
    expect(await Promise.all(calls)).toEqual(Array(10).fill(expect.any(ResponseMalformedError)));
    await expect.poll(() => open).toBe(0);
    await server.close();
  });
});
