import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../schema/define-config.ts';
import { type LoopbackServer, sendJson, startLoopbackServer } from '../test-support/loopback-server.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import { createConfigClient } from './config-client.ts';

const config = defineConfig({ flags: { newCheckout: z.boolean().default(false) } });

let server: LoopbackServer | undefined;
beforeEach(() => {
  // So that no request ends because of its time limit.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(async () => {
  vi.useRealTimers();
  await server?.close();
});

/** A server that never finishes the responses of one endpoint. */
async function startHanging(endpoint: string) {
  const hanging: ServerResponse[] = [];
  let ended = 0;
  server = await startLoopbackServer(({ url }, response) => {
    if (url.includes(endpoint)) {
      hanging.push(response);
      response.once('close', () => {
        ended += 1;
      });
      // A stream has begun.
      if (endpoint === '/stream')
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hi\n\n');
    } else if (url.includes('/token')) {
      sendJson(response, 200, { access_token: 'a', token_type: 'Bearer', expires_in: 3_600 });
    } else if (url.includes('/ruleset') && endpoint !== '/values') sendJson(response, 200, rulesetOf());
    else sendJson(response, 404, {});
  });
  const { url } = server;
  const makeClient = () =>
    createConfigClient({
      config,
      apiUrl: url,
      authUrl: url,
      clientId: 'client',
      clientSecret: 'a client secret of a test',
      organizationId: 'org-1',
      overrides: false,
    });
  return { hanging, ended: () => ended, makeClient };
}

describe('close()', () => {
  for (const endpoint of ['/token', '/ruleset', '/values', '/stream', '/evaluate']) {
    it(`aborts a hanging request to ${endpoint}`, async () => {
      const { hanging, ended, makeClient } = await startHanging(endpoint);
      const client = makeClient();
      const starting = client.ready().catch(() => undefined);
      const evaluating = client.evaluateFlag('newCheckout').catch(({ code }: { code: string }) => code);
      await expect.poll(() => hanging).toHaveLength(1);
      await client.close();
      await starting;
      expect(await evaluating).toMatch(/^ERR_(CLIENT_CLOSED|EVALUATE_NOT_FOUND)$/);
      await expect.poll(() => ended()).toBe(1);
    });
  }

  it('does not abort a token exchange that another client is waiting for', async () => {
    const { hanging, ended, makeClient } = await startHanging('/token');
    const [one, other] = [makeClient(), makeClient()];
    const [first, second] = [one.ready().catch(({ code }: { code: string }) => code), other.ready()];
    await expect.poll(() => hanging).toHaveLength(1);
    await one.close();
    expect(await first).toBe('ERR_CLIENT_CLOSED');
    expect(ended()).toBe(0);
    for (const response of hanging) {
      sendJson(response, 200, { access_token: 'a', token_type: 'Bearer', expires_in: 3_600 });
    }
    await second;
    expect(hanging).toHaveLength(1);
    await other.close();
  });
});
