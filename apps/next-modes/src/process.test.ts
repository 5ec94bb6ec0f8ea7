import { afterAll, afterEach, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { launchBrowser, openPage } from '../../e2e/src/browser/watched-page.ts';
import { NextApp } from './next-app.ts';
import { RecordingProxy } from './recording-proxy.ts';
import { ShopServer } from './shop-server.ts';

const STREAM = '/api/config/stream';
const polling = { timeout: 60_000, interval: 250 };

/** The pages of each app that read for the visitor, and those that are the same for everyone. */
const pages = {
  cached: {
    visitor: ['/server', '/', '/both', '/api/flag'],
    everyone: ['/cached', '/cached/client', '/cached/both', '/plain'],
  },
  classic: {
    visitor: ['/server', '/client', '/both', '/legacy', '/legacy/server', '/legacy/both', '/api/edge'],
    everyone: ['/force-static', '/isr', '/isr/client', '/isr/both', '/plain'],
  },
};

describe.each(['cached', 'classic'] as const)('a process of the %s app', (name) => {
  const { visitor, everyone } = pages[name];
  const app = new NextApp(name);
  let server: ShopServer;

  beforeAll(async () => {
    server = await ShopServer.start();
  });

  afterEach(() => app.stop());

  afterAll(() => server?.close());

  it('gives each of 1,000 concurrent visitors their own values', async () => {
    const users = Array.from({ length: 1_000 }, (_, index) => `user-${index}`);
    await server.set('production', 'feature_flag', ['betaShop', onlyFor(users.filter(isBeta))]);
    await server.set('production', 'limit', ['cartItems', itemsByGroup(users)]);
    await app.start(server.env('production'));
    // Each page once, so that every client of the process has its values before the crowd comes.
    for (const path of visitor) {
      await expect.poll(async () => (await app.get(path, users[1])).text, polling).toMatch(/\bbeta\b/);
    }

    const wrong: string[] = [];
    const visit = async (userId: string, index: number): Promise<void> => {
      const path = visitor[index % visitor.length] ?? '/';
      let { status, text } = await app.get(path, userId);
      // A busy machine may read a request so late that Node refuses it.
      while (status === 408) ({ status, text } = await app.get(path, userId));
      const shown = text.replaceAll('betaShop', '');
      const isRight =
        status === 200 &&
        /\bbeta\b/.test(shown) === isBeta(userId) &&
        /\bstable\b/.test(shown) !== isBeta(userId) &&
        [...shown.matchAll(/with (\d+) items/g)].every(([, items]) => Number(items) === itemsOf(userId));
      if (!isRight) wrong.push(`${userId} at ${path}: ${status}`);
    };
    await Promise.all(users.map(visit));
    await server.set('production', 'feature_flag', ['betaShop', onlyFor(['beta-user'])]);
    await server.set('production', 'limit', ['cartItems', 20]);
    expect(wrong).toEqual([]);
  });

  it('ends a stream with its tab', async () => {
    await app.start(server.env('production'));
    const browser = await launchBrowser();
    try {
      const tabs = [];
      for (const userId of ['one', 'other'])
        tabs.push(await openPage(browser, `${app.url}/`, { cookies: { userId } }));
      const streams = async (): Promise<string> => (await app.get('/api/streams')).text;
      await expect.poll(streams, polling).toBe('2');
      await tabs[0]?.page.close();
      await expect.poll(streams, polling).toBe('1');
      await tabs[1]?.page.goto('about:blank');
      await expect.poll(streams, polling).toBe('0');
    } finally {
      await browser.close();
    }
  });

  it('ends after SIGTERM as fast as the same app without us, with and without open streams', async () => {
    const without = new NextApp(name, 'without');
    onTestFinished(async () => void (await without.stop()));
    const times: Record<'without' | 'idle' | 'streaming', number[]> = {
      without: [],
      idle: [],
      streaming: [],
    };
    const visitAll = async (visited: NextApp): Promise<void> => {
      for (const path of [...visitor, ...everyone]) await visited.get(path);
    };
    const ratio = (kind: 'idle' | 'streaming'): number =>
      Math.min(...times[kind]) / Math.min(...times.without);
    // Other work on the machine only adds to each time, so more turns bring the least of them closer to the truth. A process
    // that something keeps alive ends after seconds or never, and each of these takes some 20 ms.
    const most = 10;
    for (let turn = 0; turn < 8; turn += 1) {
      await without.start({});
      await visitAll(without);
      times.without.push(await without.stop());

      await app.start(server.env('production'));
      await visitAll(app);
      times.idle.push(await app.stop());

      await app.start(server.env('production'));
      await visitAll(app);
      const streams = await Promise.all(Array.from({ length: 5 }, () => fetch(`${app.url}${STREAM}`)));
      const bodies = streams.map((response) => response.text().catch(() => ''));
      times.streaming.push(await app.stop());
      await Promise.all(bodies);
      if (turn > 0 && ratio('idle') < most && ratio('streaming') < most) break;
    }
    const ratios = { idle: ratio('idle'), streaming: ratio('streaming') };
    process.stdout.write(
      `${name}: SIGTERM to exit ÷ without us: ${JSON.stringify({ ...ratios, ...times })}\n`,
    );
    expect(ratios.idle).toBeLessThan(most);
    expect(ratios.streaming).toBeLessThan(most);
  });

  it('leaves no token, ruleset, credential or secret in its build and caches', async () => {
    const env = server.env('production');
    const proxy = new RecordingProxy(env.SMOOAI_CONFIG_API_URL ?? '');
    const url = await proxy.listen();
    try {
      await app.start({ ...env, SMOOAI_CONFIG_API_URL: url, SMOOAI_CONFIG_AUTH_URL: url });
      for (const path of [...visitor, ...everyone]) expect((await app.get(path)).status).toBe(200);
      await server.set('production', 'secret', ['paymentKey', `rotated-key-${name}`]);
      await server.set('production', 'feature_flag', ['newCheckout', true]);
      await expect.poll(() => proxy.bodies.join('').includes(`rotated-key-${name}`), polling).toBe(true);
      for (const path of [...visitor, ...everyone]) expect((await app.get(path)).status).toBe(200);
    } finally {
      await app.stop();
      await proxy.close();
    }
    const tokens = proxy.bodies.flatMap((body) => /"access_token":"([^"]+)"/.exec(body)?.[1] ?? []);
    expect(tokens.length).toBeGreaterThan(0);
    expect(proxy.bodies.join('')).toContain('beta-testers-rule');
    const forbidden = [
      ...tokens,
      'beta-testers-rule',
      'payment-key-1',
      `rotated-key-${name}`,
      env.SMOOAI_CONFIG_CLIENT_SECRET ?? '',
      inject('buildSecret'),
    ];
    for (const text of forbidden) {
      expect(text).not.toBe('');
      // Only the names of what was found, so that a failure does not print a credential.
      expect(await app.filesWith(text)).toEqual([]);
    }
  });
});

const isBeta = (userId: string): boolean => numberOf(userId) % 2 === 1;
const itemsOf = (userId: string): number => (numberOf(userId) % 10) + 1;
const numberOf = (userId: string): number => Number(userId.slice('user-'.length));

/** True for some users. */
function onlyFor(values: string[]): unknown {
  const when = { attribute: 'userId', op: 'in', values };
  return { $cohort: { rules: [{ id: 'beta-testers-rule', when, value: true }], defaultValue: false } };
}

/** A limit with a value for each tenth of the users. */
function itemsByGroup(users: string[]): unknown {
  const rules = Array.from({ length: 10 }, (_, group) => {
    const values = users.filter((userId) => itemsOf(userId) === group + 1);
    return { id: `group-${group}`, when: { attribute: 'userId', op: 'in', values }, value: group + 1 };
  });
  return { $cohort: { rules, defaultValue: 20 } };
}
