import { describe, expect, it } from 'vitest';
import { SHOP, schemaModule, shareBench } from './test-support/cli-bench.ts';

const bench = shareBench();

interface SentRequest {
  method: string;
  path: string;
  body: unknown;
}

/** A `fetch` that notes what is sent to the API, and that can answer instead of the server. */
function recorder(answer: (request: SentRequest) => Response | undefined = () => undefined) {
  const sent: SentRequest[] = [];
  const record: typeof fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : String(input));
    const isJson = String(new Headers(init?.headers).get('content-type')).includes('json');
    const body: unknown = isJson && typeof init?.body === 'string' ? JSON.parse(init.body) : undefined;
    const request = { method: init?.method ?? 'GET', path: url.pathname + url.search, body };
    sent.push(request);
    return answer(request) ?? fetch(input, init);
  };
  return { sent, fetch: record };
}

describe('push', () => {
  const push = ['push', 'config.ts', '--name', 'shop', '--yes'];
  let version = 0;
  const changed = () =>
    bench.current.file('config.ts', schemaModule(SHOP.replace('default(3)', `default(${++version + 10})`)));
  const bodyOf = (sent: SentRequest[]) => sent.findLast(({ method }) => method === 'POST')?.body;

  it('asks the server to force a change only with --force', async () => {
    for (const [flags, force] of [
      [[], undefined],
      [['--force'], true],
    ] as const) {
      await changed();
      const { sent, fetch } = recorder();
      expect((await bench.current.cli([...push, ...flags], { fetch })).code).toBe(0);
      expect((bodyOf(sent) as { force?: boolean }).force).toBe(force);
    }
  });

  it('sends the description of --message, and none without', async () => {
    for (const [flags, changeDescription] of [
      [[], undefined],
      [['--message', 'more retries'], 'more retries'],
    ] as const) {
      await changed();
      const { sent, fetch } = recorder();
      expect((await bench.current.cli([...push, ...flags], { fetch })).code).toBe(0);
      expect((bodyOf(sent) as { changeDescription?: string }).changeDescription).toBe(changeDescription);
    }
  });

  it.each([['--dry-run'], ['--dry-run', '--force']])(
    'sends nothing that writes with %j',
    async (...flags) => {
      await changed();
      const { sent, fetch } = recorder();
      expect((await bench.current.cli([...push, ...flags], { fetch })).code).toBe(0);
      expect(sent.filter(({ method, path }) => method !== 'GET' && !path.endsWith('/token'))).toEqual([]);
    },
  );
});

describe('unset', () => {
  const deletes = (sent: SentRequest[]) => sent.filter(({ method }) => method === 'DELETE');

  it('does not force the deletion of anything but a secret', async () => {
    const { sent, fetch } = recorder(({ method }) =>
      method === 'DELETE' ? Response.json({ message: 'Not now.' }, { status: 409 }) : undefined,
    );
    const { code, stderr } = await bench.current.cli(['unset', 'theme', '--yes'], { fetch });
    expect(code).toBe(1);
    expect(stderr).toContain('Not now.');
    expect(deletes(sent)).toHaveLength(1);
    expect(deletes(sent)[0]?.path).not.toContain('force');
  });

  it('deletes a secret only after it was confirmed', async () => {
    const { cli } = bench.current;
    await cli(['set', 'paymentKey', '--stdin'], { stdin: 'sk-very-private-text' });
    const unconfirmed = recorder();
    await cli(['unset', 'paymentKey'], { fetch: unconfirmed.fetch });
    expect(deletes(unconfirmed.sent).filter(({ path }) => path.includes('force'))).toEqual([]);
    expect((await cli(['get', 'paymentKey'])).code).toBe(0);
    const confirmed = recorder();
    await cli(['unset', 'paymentKey', '--yes'], { fetch: confirmed.fetch });
    expect(deletes(confirmed.sent).filter(({ path }) => path.includes('force'))).toHaveLength(1);
  });
});

describe('set from standard input', () => {
  it.each([
    ['  two blanks  \n', '  two blanks  '],
    ['a line\n\n', 'a line\n'],
    ['windows\r\n', 'windows'],
    ['\ttab', '\ttab'],
    ['\n', undefined],
    ['', undefined],
  ])('keeps everything but one line break at the end: %j', async (stdin, value) => {
    const { cli } = bench.current;
    const { code } = await cli(['set', 'public.label', '--stdin', '-e', 'staging'], { stdin });
    expect(code).toBe(value === undefined ? 2 : 0);
    if (value === undefined) return;
    expect((await cli(['get', 'public.label', '-e', 'staging'])).stdout).toBe(`${value}\n`);
  });
});
