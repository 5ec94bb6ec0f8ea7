import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser, openPage } from '../../e2e/src/browser/watched-page.ts';
import { polling } from './built-app.ts';
import { NextApp } from './next-app.ts';
import { ShopServer } from './shop-server.ts';

const secret = 'a'.repeat(40);
const nextSecret = 'b'.repeat(40);
const flags = ['newCheckout', 'betaShop', 'freeShipping'];

/** Sixteen users, each with other values of the four flags: one bit for each. */
const users = Array.from({ length: 16 }, (_, bits) => {
  const on = flags.filter((_flag, bit) => hasBit(bits, bit)).join('+');
  const theme = hasBit(bits, 3) ? 'dark' : 'light';
  return { id: `user-${bits}`, bits, theme, text: `pricing: ${on} ${theme}, code:` };
});

function hasBit(bits: number, bit: number): boolean {
  return (bits & (1 << bit)) !== 0;
}

/** A rule: `on` for the users with a bit, `off` for all others. */
function byBit(bit: number, [on, off]: readonly [on: unknown, off: unknown]): unknown {
  const values = users.filter(({ bits }) => hasBit(bits, bit)).map(({ id }) => id);
  const when = { attribute: 'userId', op: 'in', values };
  return { $cohort: { rules: [{ id: 'chosen-users', when, value: on }], defaultValue: off } };
}

/** What a browser without JavaScript shows, and how Next and shared caches treat it. */
interface Visit {
  status: number;
  html: string;
  /** The code in the path of the page, which the page prints. */
  code: string;
  /** Whether the page was rendered before. */
  isStored: boolean;
  cacheControl: string | null;
}

describe.each([
  { mode: 'with cacheComponents', cacheComponents: '1', build: 'shared' },
  { mode: 'without cacheComponents', cacheComponents: '0', build: 'own' },
] as const)('static variants $mode', ({ cacheComponents, build }) => {
  const app = new NextApp('variants', build);
  const settings = { CACHE_COMPONENTS: cacheComponents };
  let server: ShopServer;

  beforeAll(async () => {
    server = await ShopServer.start();
    for (const [bit, flag] of flags.entries()) {
      await server.set('production', 'feature_flag', [flag, byBit(bit, [true, false])]);
    }
    await server.set('production', 'feature_flag', ['theme', byBit(3, ['dark', 'light'])]);
    // Without a config server: a page reads its values from its path.
    const { code, output } = await app.build({ ...settings, SMOOAI_CONFIG_VARIANT_SECRET: secret });
    expect(code, output).toBe(0);
  });

  afterEach(() => app.stop());

  afterAll(async () => {
    await app.stop();
    await server?.close();
  });

  const start = (current: string, previous = ''): Promise<void> => {
    const secrets = {
      SMOOAI_CONFIG_VARIANT_SECRET: current,
      SMOOAI_CONFIG_VARIANT_SECRET_PREVIOUS: previous,
    };
    return app.start({ ...server.env('production'), ...settings, ...secrets }, 'start', 'localhost');
  };

  const visit = async (path: string, userId = 'someone'): Promise<Visit> => {
    const response = await fetch(`${app.url}${path}`, { headers: { cookie: `userId=${userId}` } });
    const html = (await response.text()).replaceAll('<!-- -->', '');
    return {
      status: response.status,
      html,
      code: /, code: ([\w-]+)\./.exec(html)?.[1] ?? '',
      isStored: response.headers.get('x-nextjs-cache') === 'HIT',
      cacheControl: response.headers.get('cache-control'),
    };
  };

  it('shows each of 16 visitors a page of the build with their own values', async () => {
    await start(secret);
    const codes = new Set<string>();
    for (const { id, theme, text } of users) {
      const page = await visit('/pricing', id);
      expect(page).toMatchObject({ status: 200, isStored: true, cacheControl: 'private, no-cache' });
      expect(page.html).toContain(text);
      expect(page.html).toContain(`client: ${theme}`);
      codes.add(page.code);
    }
    expect(codes.size).toBe(16);
    expect(codes).toContain('default');
  });

  it('shows a visitor their variant in a browser: after a navigation, without a warning, and without JavaScript', async () => {
    await start(secret);
    const browser = await launchBrowser();
    try {
      const cookies = { userId: 'user-15' };
      const { page, complaints } = await openPage(browser, app.url, { cookies });
      page.setDefaultTimeout(120_000);
      await page.getByText('Pricing').click();
      await page.getByText(users[15]?.text ?? '').waitFor();
      await page.getByText('client: dark').waitFor();
      expect(page.url()).toBe(`${app.url}/pricing`);
      await page.reload();
      await page.getByText('client: dark').waitFor();
      expect(complaints).toEqual([]);
      const plain = await openPage(browser, `${app.url}/pricing`, { cookies, javaScriptEnabled: false });
      const shown = await plain.page.locator('main').textContent();
      expect(shown).toContain(users[15]?.text);
      expect(shown).toContain('client: dark');
    } finally {
      await browser.close();
    }
  });

  it('lets shared caches store a variant at its own path, where it is the same for every visitor', async () => {
    await start(secret);
    const { code, html } = await visit('/pricing', 'user-5');
    const page = await visit(`/variants/${code}/pricing`, 'user-0');
    expect(page).toMatchObject({ status: 200, html, isStored: true });
    expect(page.cacheControl).toMatch(/^s-maxage=\d+/);
  });

  it('shows the default variant for codes that are not valid, and stores nothing for them', async () => {
    await start(secret);
    const { code } = await visit('/pricing', 'user-5');
    const ofAnotherPage = (await visit('/', 'user-1')).code;
    const forged = [
      'forged',
      code.slice(0, -1),
      `${code}A`,
      ofAnotherPage,
      'A'.repeat(27),
      '%00',
      '__proto__',
    ];
    expect(new Set([...forged, code]).size).toBe(8);
    for (const given of forged) {
      const page = await visit(`/variants/${given}/pricing`, 'user-5');
      expect(page, given).toMatchObject({ status: 200, code: 'default', isStored: true });
      expect(page.html).toContain('pricing:  light, code:');
    }
  });

  it('accepts the codes of the previous secret while it is set, and signs with the new one', async () => {
    await start(secret);
    const old = await visit('/pricing', 'user-5');
    await app.stop();
    await start(nextSecret, secret);
    const signed = await visit('/pricing', 'user-5');
    expect(signed.html).toContain(users[5]?.text);
    expect(signed.code).not.toBe(old.code);
    expect(await visit(`/variants/${old.code}/pricing`)).toMatchObject({ code: old.code, isStored: true });
    await app.stop();
    await start(nextSecret);
    expect((await visit(`/variants/${old.code}/pricing`)).code).toBe('default');
  });

  it('gives a page without flags no code, and evaluates nothing for it', async () => {
    await app.start({ ...settings, NODE_ENV: 'production' }, 'start', 'localhost');
    expect(await visit('/about')).toMatchObject({ status: 200, code: 'default', isStored: true });
    expect(app.output).not.toContain('@smooai');
  });

  it('says which secret is missing, when a page with flags is requested without one', async () => {
    await app.start({ ...server.env('production'), ...settings }, 'start', 'localhost');
    expect((await visit('/pricing')).status).toBe(500);
    // What a process prints can arrive after its response.
    await expect
      .poll(() => app.output, polling)
      .toContain('Set SMOOAI_CONFIG_VARIANT_SECRET to the output of: openssl rand');
  });

  it('shows the default variant while it has no configuration', async () => {
    const env = { ...settings, SMOOAI_CONFIG_VARIANT_SECRET: secret };
    await app.start(env, 'start', 'localhost');
    expect(await visit('/pricing', 'user-5')).toMatchObject({ status: 200, code: 'default', isStored: true });
    await expect
      .poll(() => app.output, polling)
      .toContain('pages with variants are shown with the defaults of their flags');
  });

  it('renders one more variant when a flag flips, and stores it', async () => {
    await start(secret);
    expect(await visit('/')).toMatchObject({ code: 'default', isStored: true });
    await server.set('production', 'feature_flag', ['newCheckout', true]);
    const hasFlipped = { html: expect.stringContaining('home: one step'), isStored: true };
    await expect.poll(() => visit('/'), polling).toMatchObject(hasFlipped);
    expect((await visit('/')).code).not.toBe('default');
    expect(await visit('/variants/default')).toMatchObject({ code: 'default', isStored: true });
  });
});
