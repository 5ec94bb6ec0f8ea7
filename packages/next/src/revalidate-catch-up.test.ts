import type { Ruleset } from '@smooai/config';
import {
  type ConfigClient,
  createConfigClient,
  type RulesetSink,
  type RulesetSource,
} from '@smooai/config/server';
import { expect, it, onTestFinished, vi } from 'vitest';
import { configTag, createNextConfig } from './server.ts';
import { inRouteHandler } from './test-support/next-render.ts';
import { type ShopConfig, shopConfig } from './test-support/shop-config.ts';

const secret = 'a-secret-of-the-tests';
const expired = [[configTag('newCheckout'), { expire: 0 }]];

/** A source whose server has changes that its stream has not brought. */
class LateSource implements RulesetSource {
  server = ruleset('1', false);
  fails = false;
  #sink: RulesetSink | undefined;

  async start(sink: RulesetSink): Promise<void> {
    this.#sink = sink;
    await this.refresh();
  }

  async refresh(): Promise<void> {
    if (this.fails) throw Object.assign(new Error('refused'), { code: 'ERR_REQUEST_REJECTED', status: 403 });
    this.#sink?.replace(this.server);
  }

  stop(): void {}
}

function ruleset(revision: string, newCheckout: boolean): Ruleset {
  const empty = { public: {}, secret: {}, limits: {}, segments: {} };
  return { revision, environment: 'production', flags: { newCheckout }, ...empty };
}

async function lateShop(): Promise<{ source: LateSource; client: ConfigClient<ShopConfig>; post: Post }> {
  const source = new LateSource();
  const client = createConfigClient({ config: shopConfig(), source, overrides: false });
  onTestFinished(() => client.close());
  const { handlers } = createNextConfig({ client, revalidate: { secret } });
  const post: Post = async (change) => {
    const init = {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}` },
      body: JSON.stringify({ keys: ['newCheckout'], ...change }),
    };
    const request = new Request('https://shop.example/api/config/stream', init);
    const { response, revalidated } = await inRouteHandler(() => handlers.POST(request));
    return { status: response.status, retryAfter: response.headers.get('retry-after'), revalidated };
  };
  return { source, client, post };
}

type Post = (
  change: object,
) => Promise<{ status: number; retryAfter: string | null; revalidated: unknown[] }>;

it.each([
  ['the revision of a webhook', { environment: 'production', revision: '7' }],
  ['no revision', {}],
  // Its revisions count something else.
  ['the revision of another environment', { environment: 'development', revision: '900' }],
])('fetches the change before entries expire, with %s', async (_, change) => {
  const { source, client, post } = await lateShop();
  await client.ready();
  source.server = ruleset('7', true);
  expect(client.flag('newCheckout')).toBe(false);
  expect(await post(change)).toEqual({ status: 204, retryAfter: null, revalidated: expired });
  expect(client.flag('newCheckout')).toBe(true);
});

it('starts a client that has not started', async () => {
  const { client, post } = await lateShop();
  expect((await post({ environment: 'production', revision: '1' })).status).toBe(204);
  expect(client.health().status).toBe('ready');
});

it('expires nothing, and asks to send the request again, if the change cannot be fetched', async () => {
  const warn = vi.spyOn(console, 'warn').mockReturnValue();
  onTestFinished(() => warn.mockRestore());
  const { source, client, post } = await lateShop();
  await client.ready();
  const again = { status: 503, retryAfter: '5', revalidated: [] };
  expect(await post({ environment: 'production', revision: '7' })).toEqual(again);
  expect(warn.mock.calls.flat().join()).toMatch(/old values for now.*revision 7 within 3000 ms/);
  source.fails = true;
  expect(await post({})).toEqual(again);
  Object.assign(source, { fails: false, server: ruleset('7', true) });
  expect(await post({ environment: 'production', revision: '7' })).toMatchObject({ status: 204 });
}, 60_000);
