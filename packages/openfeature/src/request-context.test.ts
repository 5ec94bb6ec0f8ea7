import { type Hook, OpenFeature } from '@openfeature/server-sdk';
import { afterEach, expect, it } from 'vitest';
import { requestContextHook } from './server.ts';

const client = OpenFeature.getClient();

afterEach(async () => {
  OpenFeature.clearHooks();
  OpenFeature.setContext({});
  await OpenFeature.clearProviders();
});

async function contextOf(request: object | undefined, own: Record<string, string> = {}): Promise<unknown> {
  OpenFeature.addHooks(requestContextHook(() => Promise.resolve(request as Record<string, unknown>)));
  let seen: unknown;
  const after: Hook = {
    finally: ({ context }) => {
      seen = context;
    },
  };
  await client.getBooleanValue('any', false, own, { hooks: [after] });
  return seen;
}

it('the context of the request completes those of the SDK, and its userId is the targeting key', async () => {
  OpenFeature.setContext({ country: 'NL' });
  const request = { userId: 'u-1', plan: 'pro', country: 'DE' };
  expect(await contextOf(request)).toEqual({ targetingKey: 'u-1', plan: 'pro', country: 'NL' });
});

it.each([{ targetingKey: 'u-2' }, { userId: 'u-2' }])('the user of the evaluation wins: %o', async (own) => {
  expect(await contextOf({ userId: 'u-1', plan: 'pro' }, own)).toEqual({ plan: 'pro', ...own });
});

it('a request without a context changes nothing', async () => {
  expect(await contextOf(undefined, { plan: 'free' })).toEqual({ plan: 'free' });
});

it('a context that cannot be read gives the default of the code, with the reason', async () => {
  OpenFeature.addHooks(requestContextHook(() => Promise.reject(new Error('outside of a request'))));
  expect(await client.getBooleanDetails('any', true)).toMatchObject({
    value: true,
    reason: 'ERROR',
    errorMessage: 'outside of a request',
  });
});
