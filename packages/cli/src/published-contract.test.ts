import { describe, expect, it } from 'vitest';
import { shareBench } from './test-support/cli-bench.ts';

const bench = shareBench();

const EXTENSIONS = /\/config\/(ruleset|stream|snapshot|segments)\b/;

/** Our server, reduced to what the platform publishes: no extensions, no short names, lists in `data`, fewer fields. */
const published: typeof fetch = async (input, init) => {
  const { pathname } = new URL(input instanceof Request ? input.url : String(input));
  const notFound = () => Response.json({ message: 'Not Found' }, { status: 404 });
  if (EXTENSIONS.test(pathname)) return notFound();
  if (/"type":"[mb]2m"/.test(typeof init?.body === 'string' ? init.body : '')) {
    return Response.json(
      { message: 'type must be machine-to-machine or browser-to-machine' },
      { status: 400 },
    );
  }
  const response = await fetch(input, init);
  if (!response.ok || response.status === 204) return response;
  return Response.json(reduced(pathname, await response.json()), { status: response.status });
};

const KEPT = ['id', 'clientId', 'name', 'allowedOrigins', 'secretKey', 'publicKey', 'expiresAt'];

function reduced(pathname: string, body: unknown): unknown {
  if (Array.isArray(body)) return { data: body.map((row: object) => reducedRow(pathname, row)) };
  return pathname.endsWith('/auth-clients') ? reducedRow(pathname, body as object) : body;
}

function reducedRow(pathname: string, row: object): object {
  if (pathname.endsWith('/environments')) return pick(row, ['id', 'name']);
  if (!pathname.endsWith('/auth-clients')) return row;
  const isBrowser = 'type' in row && String(row.type).startsWith('b');
  return { ...pick(row, KEPT), type: isBrowser ? 'browser-to-machine' : 'machine-to-machine' };
}

function pick(row: object, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(row).filter(([name]) => names.includes(name)));
}

const cli = (argv: string[], stdin?: string) =>
  bench.current.cli(argv, { fetch: published, ...(stdin !== undefined && { stdin }) });

describe('against a platform that has the published contract only', () => {
  it('values are set, listed, read, pulled and deleted', async () => {
    expect((await cli(['set', 'label', 'Live'])).stdout).toContain(
      'public.label (development): not set → Live',
    );
    await cli(['set', 'secrets.paymentKey', '--stdin'], 'a-payment-key');
    expect((await cli(['list'])).stdout).toMatch(/public\.label +stored +Live/);
    expect(await cli(['get', 'label'])).toMatchObject({ code: 0, stdout: 'Live\n' });
    expect(JSON.parse((await cli(['pull', '--json'])).stdout)).toMatchObject({ public: { label: 'Live' } });
    expect(await cli(['build', '--out', 'config.bundle'])).toMatchObject({ code: 0 });
    expect(await cli(['unset', 'label'])).toMatchObject({ code: 0 });
    expect((await cli(['get', 'label'])).stderr).toContain('public.label has no value in "development"');
  });

  it('a schema is compared and pushed', async () => {
    expect((await cli(['push', 'config.ts', '--name', 'shop'])).stdout).toContain(
      'is up to date at version 1',
    );
    expect(await cli(['diff', '--from', 'development', '--to', 'production'])).toMatchObject({ code: 0 });
    expect((await cli(['schema', 'list'])).stdout).toMatch(/shop +1 +7/);
  });

  it('clients are created and listed', async () => {
    const made = await cli(['clients', 'create', 'api', '--environments', 'production']);
    expect(made.stdout).toMatch(/^SMOOAI_CONFIG_CLIENT_SECRET=sk_\S+$/m);
    const web = await cli(['clients', 'create', 'web', '--type', 'b2m', '--origins', 'https://shop.example']);
    expect(web.stdout).toMatch(/^pk_\S+\n$/);
    const listed = (await cli(['clients', 'list'])).stdout;
    expect(listed).toMatch(/ m2m +api +/);
    expect(listed).toMatch(/ b2m +web +.*https:\/\/shop\.example/);
    expect(await cli(['clients', 'revoke', 'api', '--yes'])).toMatchObject({ code: 0 });
  });
});
