import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type IncomingMessage, request } from 'node:http';
import { createServer as createHttpsServer, type Server } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ConfigServer, createConfigServer } from '@smooai/config-server';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const cli = fileURLToPath(new URL('../../../../packages/cli/bin/smooai-config.js', import.meta.url));
const password = 'p@ss:very-private';

/** The config server behind TLS with a certificate of an own CA, and a proxy that only tunnels. */
let server: ConfigServer;
let tls: Server;
let folder: string;
let secureUrl: string;
let proxyHost: string;
let connects: { target: string; credential: string | undefined }[] = [];
const closers: (() => unknown)[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'smooai-config-cli-proxy-'));
  server = await createConfigServer({ env: {} });
  tls = createHttpsServer(await certificate(), (incoming, response) => {
    const target = new URL(String(incoming.url), server.url);
    const outgoing = request(target, { method: incoming.method, headers: incoming.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(outgoing);
  });
  secureUrl = `https://localhost:${await listen(tls)}`;
  const proxy = createHttpServer((_, response) => response.writeHead(405).end());
  const sockets = new Set<Socket>();
  proxy.on('connection', (socket) => sockets.add(socket));
  proxy.on('connect', (incoming: IncomingMessage, socket: Socket) => {
    connects.push({ target: String(incoming.url), credential: incoming.headers['proxy-authorization'] });
    const [, port] = String(incoming.url).split(':');
    const upstream = connect(Number(port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(upstream).pipe(socket);
    });
    sockets.add(upstream);
    for (const end of [socket, upstream]) end.on('error', () => upstream.destroy());
  });
  proxyHost = `127.0.0.1:${await listen(proxy)}`;
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
  });
  const credentials = { ...server.credentials, apiUrl: secureUrl, authUrl: secureUrl };
  await writeFile(join(folder, 'credentials.json'), JSON.stringify(credentials), { mode: 0o600 });
});

beforeEach(() => {
  connects = [];
});

afterAll(async () => {
  for (const close of closers) close();
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Creates a CA and a certificate for `localhost` that it signed. */
async function certificate(): Promise<{ key: string; cert: string }> {
  const openssl = (line: string): void =>
    void execFileSync('openssl', line.split(' '), { cwd: folder, stdio: 'pipe' });
  await writeFile(join(folder, 'san.cnf'), 'subjectAltName=DNS:localhost,IP:127.0.0.1');
  const key = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';
  openssl(`req -x509 ${key} -keyout ca.key -out ca.pem -days 2 -subj /CN=own-ca`);
  openssl(`req ${key} -keyout key.pem -out request.pem -subj /CN=localhost`);
  openssl(
    'x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out cert.pem -extfile san.cnf',
  );
  const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
  return { key: await read('key.pem'), cert: await read('cert.pem') };
}

async function listen(listener: Server | ReturnType<typeof createHttpServer>): Promise<number> {
  await new Promise<void>((resolve) => void listener.listen(0, '127.0.0.1', resolve));
  closers.push(
    () => listener.close(),
    () => listener.closeAllConnections(),
  );
  return (listener.address() as AddressInfo).port;
}

function list(variables: Record<string, string>): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'), ...variables };
  const argv = [cli, 'env', 'list', '-c', 'credentials.json'];
  return new Promise((resolve) => {
    execFile(process.execPath, argv, { cwd: folder, env, timeout: 120_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    );
  });
}

describe('the built command, with a server behind TLS and an own CA', () => {
  it.each(['HTTPS_PROXY', 'https_proxy'])('tunnels through the proxy of %s', async (name) => {
    const result = await list({ [name]: `http://user:${encodeURIComponent(password)}@${proxyHost}` });
    expect(result).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('development') });
    const basic = Buffer.from(`user:${password}`).toString('base64');
    expect(new Set(connects.map(({ target }) => target))).toEqual(new Set([new URL(secureUrl).host]));
    expect(new Set(connects.map(({ credential }) => credential))).toEqual(new Set([`Basic ${basic}`]));
  });

  it('connects directly without a variable, or to a host in NO_PROXY', async () => {
    expect((await list({})).code).toBe(0);
    expect((await list({ HTTPS_PROXY: proxyHost, NO_PROXY: 'localhost' })).code).toBe(0);
    expect(connects).toEqual([]);
  });

  it('refuses the certificate without the CA, through the proxy too', async () => {
    for (const proxy of [{}, { HTTPS_PROXY: `http://user:very-private@${proxyHost}` }]) {
      const { code, stderr } = await list({ NODE_EXTRA_CA_CERTS: '', ...proxy });
      expect(code).toBe(1);
      expect(stderr).toMatch(/certificate/i);
      expect(stderr).not.toContain('very-private');
    }
  });

  it('says which variable names the proxy if that closes the connection', async () => {
    const { code, stderr } = await list({ HTTPS_PROXY: new URL(server.url).host });
    expect(code).toBe(1);
    expect(stderr).toContain('the proxy closed the connection');
    expect(stderr).toContain('Requests go through the proxy in HTTPS_PROXY');
  });
});
