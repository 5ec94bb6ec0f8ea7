import { defineConfig } from '@smooai/config';
import { createTestClient } from '@smooai/config/testing';
import { notFound } from 'next/dist/client/components/not-found.js';
import { redirect } from 'next/dist/client/components/redirect.js';
import { workAsyncStorage } from 'next/dist/server/app-render/work-async-storage.external.js';
import { workUnitAsyncStorage } from 'next/dist/server/app-render/work-unit-async-storage.external.js';
import { connection } from 'next/server';
import type { ReactElement } from 'react';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createSnapshotRouteHandler } from './route-handler.ts';
import { createNextConfig } from './server.ts';
import { inRender } from './test-support/next-render.ts';
import { onlyIn, shopConfig } from './test-support/shop-config.ts';

/** A config whose flag and limit differ in the Netherlands, and the country of the visitor. */
function setUp() {
  const visitor = { country: 'NL', calls: 0 };
  const client = createTestClient({
    config: shopConfig(),
    flags: { freeShipping: onlyIn('NL') },
    limits: {
      cartItems: {
        $cohort: {
          rules: [{ id: 'nl', when: { attribute: 'country', op: 'in', values: ['NL'] }, value: 7 }],
          defaultValue: 3,
        },
      },
    },
  });
  const config = createNextConfig({
    client,
    context: async () => {
      visitor.calls++;
      return { country: visitor.country };
    },
  });
  const readAll = async (...context: [] | [{ country: string }]) => {
    const snapshot = await config.snapshot(...context);
    return [
      await config.flag('freeShipping', ...context),
      (await config.flagDetails('freeShipping', ...context)).value,
      await config.limit('cartItems', ...context),
      snapshot.flags.freeShipping?.value,
      snapshot.limits.cartItems?.value,
    ];
  };
  return { visitor, readAll };
}

const dutch = [true, true, 7, true, 7];
const others = [false, false, 3, false, 3];

describe('the context of a request', () => {
  it('is used by every read, and computed once in a render', async () => {
    const { visitor, readAll } = setUp();
    expect(await inRender(readAll)).toEqual(dutch);
    expect(visitor.calls).toBe(1);
  });

  it('is computed again for the next request', async () => {
    const { visitor, readAll } = setUp();
    await inRender(readAll);
    visitor.country = 'BE';
    expect(await inRender(readAll)).toEqual(others);
    expect(visitor.calls).toBe(2);
    expect(await readAll()).toEqual(others);
    visitor.country = 'NL';
    expect(await readAll()).toEqual(dutch);
  });

  it('is replaced by a context argument, in the same render too', async () => {
    const { readAll } = setUp();
    const both = await inRender(async () => [
      await readAll(),
      await readAll({ country: 'BE' }),
      await readAll(),
    ]);
    expect(both).toEqual([dutch, others, dutch]);
  });
});

describe('a given client that lacks a required value', () => {
  const client = () =>
    createTestClient({ config: defineConfig({ secrets: { paymentKey: z.string().min(1) } }) });

  it('is refused by name, as itself or as the result of a function', async () => {
    for (const given of [client(), () => client(), async () => client()]) {
      const config = createNextConfig({ client: given });
      await expect(config.client()).rejects.toThrow(/paymentKey/);
      await expect(config.secret('paymentKey')).rejects.toThrow(/paymentKey/);
      expect((await config.handlers.GET(new Request('https://shop.example/'))).status).toBe(503);
    }
  });

  it('serves no stream', async () => {
    const response = await createSnapshotRouteHandler({ client: client() })(
      new Request('https://shop.example/'),
    );
    expect(response.status).toBe(503);
  });
});

describe.each([
  ['a redirect', () => redirect('/login'), /^NEXT_REDIRECT;.*\/login/],
  ['not found', () => notFound(), /^NEXT_HTTP_ERROR_FALLBACK;404/],
  ['a promise that hangs until the prerendering ends', prerenderedCookies, /^HANGING_PROMISE_REJECTION/],
])("what Next throws in the context's function: %s", (_, context, digest) => {
  const config = createNextConfig({ client: createTestClient({ config: shopConfig() }), context });
  const isOfNext = { digest: expect.stringMatching(digest) };

  it.each([
    ['flag', () => config.flag('theme')],
    ['flags', () => config.flags(['theme'])],
    ['flagDetails', () => config.flagDetails('theme')],
    ['limit', () => config.limit('cartItems')],
    ['snapshot', () => config.snapshot()],
    ['the stream', () => config.handlers.GET(new Request('https://shop.example/'))],
  ])('passes through %s', async (__, read) => {
    await expect(inRender<unknown>(read)).rejects.toMatchObject(isOfNext);
  });

  it('passes through ConfigRoot, which catches the errors of this package alone', async () => {
    const { children } = config.ConfigRoot({}).props as { children: ReactElement };
    await expect(inRender(() => (children.type as RenderFunction)(children.props))).rejects.toMatchObject(
      isOfNext,
    );
  });
});

/** As `cookies()` in a page that is prerendered with `cacheComponents`: Next ends the rendering, and then rejects. */
function prerenderedCookies(): Promise<never> {
  const ending = new AbortController();
  setTimeout(() => ending.abort(), 10);
  const unit = { type: 'prerender', phase: 'render', renderSignal: ending.signal };
  const work = { page: '/page', route: '/' };
  return workAsyncStorage.run(work as never, () =>
    workUnitAsyncStorage.run(unit as never, () => connection() as Promise<never>),
  );
}

type RenderFunction = (props: unknown) => Promise<unknown>;
