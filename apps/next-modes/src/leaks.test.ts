import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { NextApp } from './next-app.ts';

const polling = { timeout: 60_000, interval: 250 };
const env = { PAYMENT_KEY: 'pay-<key>-1234567' };

describe('withSmooConfig', () => {
  const app = new NextApp('leaks');

  afterEach(() => app.stop());
  afterAll(() => app.stop());

  it('fails a build for each way to leak, with the file, the key and the remedy, and prints no value', async () => {
    const { code, output } = await app.build({ ...env, LEAKS: '1' });
    expect(code).toBe(1);
    expect(output).toContain('The build contains secrets');
    const pages = [
      ['prop.html', 'value', 'Look for a prop of a client component'],
      ['metadata.html', 'value', 'metadata'],
      ['script.html', 'value', 'inline script'],
      ['cached.html', 'value', 'Look for a prop'],
      ['route.body', 'value', 'A static route handler returned it'],
      ['required-server-files.js', 'value', '"env" of next.config'],
    ];
    for (const [file, kind, advice] of pages) {
      const lines = new RegExp(`${file}:\\d+:\\d+: the ${kind} of the secret "paymentKey".*\\n(.*)`);
      expect(lines.exec(output)?.[1], file).toContain(advice);
    }
    const chunks = output.match(/\.next\/static\/chunks\/.*\n.*/g) ?? [];
    expect(chunks.filter((chunk) => /\.js:.*value of.*\n.*Look for a variable/.test(chunk))).toHaveLength(1);
    expect(
      chunks.filter((chunk) => /\.js:.*name of the secret "paymentKey".*\n.*"import type"/.test(chunk)),
    ).toHaveLength(1);
    expect(
      chunks.filter((chunk) => /\.js\.map:.*name of.*\n.*A source map/.test(chunk)).length,
    ).toBeGreaterThan(0);
    expect(output).not.toContain('1234567');
  });

  it('fails a build whose client components import an entry for servers, with the reason and the import', async () => {
    const { code, output } = await app.build({ ...env, LEAKS: 'import' });
    expect(code).toBe(1);
    expect(output).toContain('@smooai/config/server holds secrets: it must not reach a browser. Import ');
    for (const entry of ['server', 'variants']) {
      const [, trace] =
        new RegExp(
          `/${entry}\\.js:1:1\\s+Error: 'server-only' cannot be imported from a Client([^]*?)\\n\\n\\n`,
        ).exec(output) ?? [];
      expect(trace).toContain(`leaks/app/server-entries/next-${entry}.tsx [Client Component Browser]`);
    }
  });

  it('builds a clean app, which starts and serves its pages, and contains neither value nor name', async () => {
    const { code, output } = await app.build(env);
    expect(output).toMatch(
      /No secret in \d+ files, [\d.]+ MB\. Looked for the names of all secrets \(2\) and for the values that are known \(1\)\./,
    );
    expect(code).toBe(0);
    expect(await app.filesWith(env.PAYMENT_KEY)).toEqual([]);
    await app.start(env);
    expect((await app.get('/plain')).text).toContain('Payments: on');
  });

  it('warns about values in responses and logs under next dev, and prints no value of its own', async () => {
    await app.start({ ...env, LEAKS: '1' }, 'dev');
    expect((await app.get('/plain')).text).toContain('Payments: on');
    expect(app.output).not.toContain('the value of the secret');
    await app.get('/live-route?key=secret-looking');
    await expect
      .poll(() => app.output, polling)
      .toContain('GET /live-route sent the value of the secret "paymentKey" (URL-encoded).');
    await app.get('/thrown');
    await expect
      .poll(() => app.output, polling)
      .toContain('GET /thrown sent the value of the secret "paymentKey"');
    await expect
      .poll(() => app.output, polling)
      .toContain('The log line above contains the value of the secret "paymentKey"');
    await app.submit('/action');
    await expect
      .poll(() => app.output, polling)
      .toContain('POST /action sent the value of the secret "paymentKey"');
    await app.get('/read-route');
    await expect
      .poll(() => app.output, polling)
      .toContain('GET /read-route sent the value of the secret "signingKey"');
    await app.get('/tainted');
    await expect
      .poll(() => app.output, polling)
      .toContain('The secret "signingKey" must not be passed to a client component');
    const warnings = app.output.split('\n').filter((line) => line.includes('⚠') && line.includes('secret'));
    expect(warnings.join('\n')).not.toMatch(/1234567|read-from-a-server/);
  });
});
