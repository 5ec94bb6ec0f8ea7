import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../../scripts/free-port.mjs';
import { catalog } from '../harness/catalog-version.ts';
import { findInFiles } from '../harness/find-in-files.ts';
import { OutsideProject } from '../harness/project.ts';
import type { RunningProcess } from '../harness/running-process.ts';
import { ShopServer } from '../harness/shop-server.ts';

const name = 'next-16-caches';
const polling = { timeout: 60_000, interval: 250 };
/** How much longer than without our package a process may take to end. Idle connections keep one open for 3 s. */
const endMarginMs = 2_000;
/** Other work on the machine only adds to a time, so the least of several turns comes close to the truth. */
const endTurns = 5;

/** Segment options that change what Next does with `fetch`, by the path of the page and of the route handler. */
const liveModes = {
  auto: '',
  'default-cache': "export const fetchCache = 'default-cache';",
  'force-cache': "export const fetchCache = 'force-cache';",
  'only-cache': "export const fetchCache = 'only-cache';",
  'default-no-store': "export const fetchCache = 'default-no-store';",
  'only-no-store': "export const fetchCache = 'only-no-store';",
  'force-no-store': "export const fetchCache = 'force-no-store';",
  revalidate: 'export const revalidate = 3600;',
  'force-dynamic':
    "export const dynamic = 'force-dynamic';\nexport const revalidate = 3600;\nexport const fetchCache = 'force-cache';",
};
/** Next renders these during the build, and again when a value changes; the second one after its period too. */
const staticMode = { 'force-static': "export const dynamic = 'force-static';" };
const revalidatedMode = {
  'force-static-revalidate': "export const dynamic = 'force-static';\nexport const revalidate = 1;",
};
/** Those of which Next may store the responses that the client fetches. */
const startingModes = {
  'default-cache': '',
  'force-cache': '',
  'only-cache': '',
  'force-dynamic': '',
  ...revalidatedMode,
};
const modes = { ...liveModes, ...staticMode, ...revalidatedMode };

describe(name, () => {
  const project = new OutsideProject(name);
  let server: ShopServer;
  let url: string;
  let app: RunningProcess;
  /** What no file of the build may contain, besides the values that its pages print. */
  let confidential: Record<string, RegExp>;

  beforeAll(async () => {
    const flags = ['--yes', '--use-npm', '--disable-git', '--skip-install'];
    await project.generate(['npx', '-y', 'create-next-app@16', name, ...flags]);
    await project.install(
      ['@smooai/config', '@smooai/config-react', '@smooai/config-next', '@smooai/config-cli'],
      [catalog('zod'), catalog('vitest')],
    );
    await project.overlay('next-16');
    await project.overlay(name);
    for (const [mode, segment] of Object.entries(modes)) await writeMode(project, mode, segment);
    server = await ShopServer.start(project, 'app/schema.ts');
    const env = await server.createServerClient();
    await project.write('.env', env);
    const clientSecret = /CLIENT_SECRET='?([\w-]+)/.exec(env)?.[1];
    expect(clientSecret).toMatch(/^sk_/);
    confidential = {
      'client secret': new RegExp(String(clientSecret)),
      'secret value': /payment-key-1/,
      'ruleset or snapshot': /help@shop\.example/,
      'access token': /eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.|"access_token":"/,
    };
    await project.run(['npm', 'run', 'build']);
  });

  afterAll(() => project.close());

  async function start(command: 'dev' | 'start'): Promise<void> {
    const port = await freePort(0);
    url = `http://127.0.0.1:${port}`;
    const next = ['node', 'node_modules/next/dist/bin/next', command] as const;
    app = project.start([...next, '--hostname', '127.0.0.1', '--port', String(port)]);
    await app.responds(url);
  }

  async function readAll(names: Record<string, string>): Promise<Record<string, string>> {
    const read: Record<string, string> = {};
    for (const mode of Object.keys(names)) {
      for (const path of [mode, `${mode}/api`]) read[path] = checkoutIn(await textAt(`${url}/${path}`));
    }
    return read;
  }

  function all(names: Record<string, string>, checkout: string): Record<string, string> {
    const paths = Object.keys(names).flatMap((mode) => [mode, `${mode}/api`]);
    return Object.fromEntries(paths.map((path) => [path, checkout]));
  }

  async function endMs(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    // Until Next has finished with the last response.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const began = performance.now();
    await app.stop({ signal, graceMs: 40_000 });
    return performance.now() - began;
  }

  async function endMsWithoutUs(command: 'dev' | 'start', signal?: NodeJS.Signals): Promise<number> {
    await start(command);
    expect(await textAt(url)).toContain('reads no configuration');
    return endMs(signal);
  }

  /** Expects an end as soon as without us. Measures again, after `again`, while a busy machine may be the reason. */
  async function expectEarlyEnd(
    withUs: number,
    {
      command,
      signal,
      again,
    }: { command: 'dev' | 'start'; signal?: NodeJS.Signals; again: () => Promise<number> },
  ): Promise<void> {
    const times = { withUs: [withUs], without: [await endMsWithoutUs(command, signal)] };
    const longer = (): number => Math.min(...times.withUs) - Math.min(...times.without);
    for (let turn = 1; turn < endTurns && longer() >= endMarginMs; turn += 1) {
      times.withUs.push(await again());
      times.without.push(await endMsWithoutUs(command, signal));
    }
    expect(longer(), JSON.stringify(times)).toBeLessThan(endMarginMs);
  }

  const expectNothingConfidential = async (): Promise<void> =>
    expect(await findInFiles(join(project.folder, '.next'), confidential)).toEqual([]);

  it('a build leaves no token, ruleset or secret in a file', expectNothingConfidential);

  // The first page to read configuration starts the client, and Next treats its requests as that page's.
  describe.each(Object.keys(startingModes))('with a page first that has %s', (mode) => {
    const first = { [mode]: '' };

    it('pages and route handlers show the value of the server, and follow it', async () => {
      await server.set('flags.newCheckout', 'false');
      await start('start');
      if (mode in liveModes) expect(await readAll(first)).toEqual(all(first, 'old'));
      else await expect.poll(() => readAll(first), polling).toEqual(all(first, 'old'));
      expect(await readAll(liveModes)).toEqual(all(liveModes, 'old'));
      await server.set('flags.newCheckout', 'true');
      await expect.poll(() => readAll(liveModes), polling).toEqual(all(liveModes, 'new'));
      await expect.poll(() => readAll(revalidatedMode), polling).toEqual(all(revalidatedMode, 'new'));
      // Rendered during the build, and again because a key that it reads has changed.
      await expect.poll(() => readAll(staticMode), polling).toEqual(all(staticMode, 'new'));
    });

    it('ends on SIGTERM as soon as without us, and leaves nothing in a file', async () => {
      const withUs = await endMs();
      await expectNothingConfidential();
      const again = async (): Promise<number> => {
        await start('start');
        await readAll(liveModes);
        return endMs();
      };
      await expectEarlyEnd(withUs, { command: 'start', again });
    });

    it('shows the newest value after a restart, and ends on SIGINT with an open page as soon as without us', async () => {
      await server.set('flags.newCheckout', 'false');
      await start('start');
      if (mode in liveModes) expect(await readAll(first)).toEqual(all(first, 'old'));
      else await expect.poll(() => readAll(first), polling).toEqual(all(first, 'old'));
      expect(await readAll(liveModes)).toEqual(all(liveModes, 'old'));
      const endWithOpenPage = async (): Promise<number> => {
        const leave = new AbortController();
        const stream = await fetch(`${url}/api/config/stream`, { signal: leave.signal });
        const reader = stream.body?.getReader();
        expect(new TextDecoder().decode((await reader?.read())?.value)).toContain('data:');
        const withUs = await endMs('SIGINT');
        leave.abort();
        return withUs;
      };
      const withUs = await endWithOpenPage();
      await expectNothingConfidential();
      const again = async (): Promise<number> => {
        await start('start');
        await readAll(liveModes);
        return endWithOpenPage();
      };
      await expectEarlyEnd(withUs, { command: 'start', signal: 'SIGINT', again });
    });
  });

  it('next dev follows the server, also after a hot reload, and leaves nothing in a file', async () => {
    await start('dev');
    expect(await readAll(liveModes)).toEqual(all(liveModes, 'old'));
    await project.write('app/config.ts', `${await project.read('app/config.ts')}\n// edited\n`);
    await server.set('flags.newCheckout', 'true');
    await expect.poll(() => readAll(modes), polling).toEqual(all(modes, 'new'));
    const withUs = await endMs();
    await expectNothingConfidential();
    const again = async (): Promise<number> => {
      await start('dev');
      await readAll(liveModes);
      return endMs();
    };
    await expectEarlyEnd(withUs, { command: 'dev', again });
  });
});

async function writeMode(project: OutsideProject, mode: string, segment: string): Promise<void> {
  await project.write(
    `app/${mode}/page.tsx`,
    `import { answer } from '../answer';\n${segment}\nexport default async function Page() {\n  return <p>{await answer()}</p>;\n}\n`,
  );
  await project.write(
    `app/${mode}/api/route.ts`,
    `import { answer } from '../../answer';\n${segment}\nexport async function GET() {\n  return new Response(await answer());\n}\n`,
  );
}

function checkoutIn(text: string): string {
  return /The (old|new) checkout, paid by a key of 13 characters/.exec(text)?.[1] ?? text;
}

async function textAt(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(60_000) });
  return `${response.status === 200 ? '' : response.status}${await response.text()}`;
}
