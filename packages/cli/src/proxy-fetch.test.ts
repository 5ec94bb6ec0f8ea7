import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { shareBench } from './test-support/cli-bench.ts';
import { startProxy } from './test-support/loopback-proxy.ts';
import { withoutWaiting } from './test-support/without-waiting.ts';

const bench = shareBench();
const get = ['get', 'theme'];

describe('a command', () => {
  it.each(['HTTP_PROXY', 'http_proxy'])('sends its requests through the proxy of %s', async (name) => {
    const { cli, server } = bench.current;
    const proxy = await startProxy();
    const env = { [name]: `http://${proxy.host}` };
    expect(await cli(get, { env })).toMatchObject({ code: 0, stdout: 'light\n' });
    expect(proxy.seen.length).toBeGreaterThan(1);
    // A plain request to the proxy, because many allow tunnels only for TLS.
    for (const line of proxy.seen) expect(line).toMatch(new RegExp(`^(GET|POST) ${server.url}/`));
    expect(proxy.credentials.every((credential) => credential === undefined)).toBe(true);
  });

  it('sends a body, and reads refusals, through the proxy', async () => {
    const { cli } = bench.current;
    const env = { HTTP_PROXY: `http://${(await startProxy()).host}` };
    expect((await cli(['set', 'cartItems', '7'], { env })).stdout).toContain('→ 7');
    expect((await cli(['set', 'theme', 'purple'], { env })).stderr).toContain('refused (400)');
    await cli(['unset', 'cartItems'], { env });
  });

  it('prefers the lower-case variable, even if it is empty', async () => {
    const { cli } = bench.current;
    const [lower, upper] = [await startProxy(), await startProxy()];
    await cli(get, { env: { http_proxy: `http://${lower.host}`, HTTP_PROXY: `http://${upper.host}` } });
    expect([lower.seen.length > 0, upper.seen]).toEqual([true, []]);
    expect((await cli(get, { env: { http_proxy: '', HTTP_PROXY: `http://${upper.host}` } })).code).toBe(0);
    expect(upper.seen).toEqual([]);
  });

  it('asks the API for its issuer through the proxy too', async () => {
    const proxy = await startProxy();
    const env = { HTTP_PROXY: proxy.host, SMOOAI_CONFIG_AUTH_URL: '' };
    expect((await bench.current.cli(get, { env })).code).toBe(0);
    expect(proxy.seen[0]).toContain('/.well-known/');
  });

  it('uses the global fetch without a variable', async () => {
    const spy = vi.spyOn(globalThis, 'fetch');
    onTestFinished(() => spy.mockRestore());
    await bench.current.cli(get, { env: { HTTP_PROXY: '', https_proxy: ' ' } });
    expect(spy).toHaveBeenCalled();
  });

  it('connects to a proxy that closes its connections once for each attempt', async () => {
    const proxy = await startProxy({ closes: true });
    const env = { HTTPS_PROXY: proxy.host, SMOOAI_CONFIG_AUTH_URL: 'https://localhost:8443' };
    const { stderr } = await withoutWaiting(() => bench.current.cli(get, { env }));
    expect(stderr).toContain('the proxy closed the connection');
    expect(proxy.seen.length).toBeLessThan(20);
  });

  it('accepts a proxy without a scheme', async () => {
    const proxy = await startProxy();
    expect((await bench.current.cli(get, { env: { HTTP_PROXY: proxy.host } })).code).toBe(0);
    expect(proxy.seen.length).toBeGreaterThan(0);
  });

  it('uses the proxy of HTTPS_PROXY only for https:', async () => {
    const proxy = await startProxy();
    expect((await bench.current.cli(get, { env: { HTTPS_PROXY: proxy.host } })).code).toBe(0);
    expect(proxy.seen).toEqual([]);
    const env = { HTTPS_PROXY: proxy.host, SMOOAI_CONFIG_AUTH_URL: 'https://localhost:8443' };
    const { code } = await withoutWaiting(() => bench.current.cli(get, { env }));
    expect(code).toBe(1);
    expect(proxy.seen[0]).toBe('CONNECT localhost:8443');
  });

  it.each([
    ['the host', () => '127.0.0.1,other.example'],
    ['host and port', (port: string) => `127.0.0.1:${port}`],
    ['a star', () => '*'],
    ['a list with blanks', () => 'other.example, 127.0.0.1'],
  ])('does not use the proxy for a host in NO_PROXY: %s', async (_, noProxy) => {
    const { cli, server } = bench.current;
    const proxy = await startProxy();
    const { port } = new URL(server.url);
    for (const name of ['NO_PROXY', 'no_proxy']) {
      const env = { HTTP_PROXY: `http://${proxy.host}`, [name]: noProxy(port) };
      expect((await cli(get, { env })).code).toBe(0);
    }
    expect(proxy.seen).toEqual([]);
    await cli(get, { env: { HTTP_PROXY: `http://${proxy.host}`, NO_PROXY: 'other.example,127.0.0.1:1' } });
    expect(proxy.seen.length).toBeGreaterThan(0);
  });
});

describe('the credentials of a proxy', () => {
  const user = 'proxy-user';
  const password = 'p@ss:very-private';
  const userinfo = `${user}:${encodeURIComponent(password)}`;
  const basic = Buffer.from(`${user}:${password}`).toString('base64');
  const forms = [password, encodeURIComponent(password), basic, userinfo];

  it('are sent to the proxy', async () => {
    const proxy = await startProxy();
    const env = { HTTP_PROXY: `http://${userinfo}@${proxy.host}` };
    expect((await bench.current.cli(get, { env })).code).toBe(0);
    expect(new Set(proxy.credentials)).toEqual(new Set([`Basic ${basic}`]));
  });

  it.each([
    ['refuses them', async () => `http://${userinfo}@${(await startProxy({ refuseWith: 407 })).host}`],
    ['fails', async () => `http://${userinfo}@${(await startProxy({ refuseWith: 502 })).host}`],
    ['closes the connection', async () => `http://${userinfo}@${(await startProxy({ closes: true })).host}`],
    ['cannot be reached', async () => `http://${userinfo}@127.0.0.1:1`],
    ['has an unknown scheme', async () => `ftp://${userinfo}@127.0.0.1:1`],
    ['has an invalid port', async () => `http://${userinfo}@127.0.0.1:port`],
    ['has invalid escapes', async () => `http://${user}:%zz-very-private@127.0.0.1:1`],
  ])('are not printed if the proxy %s', async (_, urlOf) => {
    const url = await urlOf();
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY']) {
      const https = name === 'HTTPS_PROXY' && { SMOOAI_CONFIG_AUTH_URL: 'https://localhost:8443' };
      for (const json of [[], ['--json']]) {
        const { code, stdout, stderr } = await withoutWaiting(() =>
          bench.current.cli([...get, ...json], { env: { [name]: url, ...https } }),
        );
        expect(code).not.toBe(0);
        expect(stderr).toContain(name);
        for (const form of [...forms, 'very-private']) expect(stdout + stderr).not.toContain(form);
      }
    }
  });
});
