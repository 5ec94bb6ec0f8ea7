import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ServerCredentials } from '../bootstrap/credentials-file.ts';
import { type ConfigServer, createConfigServer } from '../create-config-server.ts';
import type { ConfigServerOptions } from '../server-options.ts';

/** A server on a free port, in memory unless told otherwise; closed when the test ends. */
export async function startServer(options: ConfigServerOptions = {}): Promise<ConfigServer> {
  const server = await createConfigServer({ env: {}, ...options });
  onTestFinished(() => server.close());
  return server;
}

/** An empty directory; removed when the test ends. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'config-server-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** The admin credentials of a first start. */
export function adminOf(server: ConfigServer): ServerCredentials {
  if (!server.credentials) throw new Error('This start made no credentials.');
  return server.credentials;
}

/** Sends a form to an OAuth endpoint. */
export function postForm(
  url: string,
  form: Record<string, string> | string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: typeof form === 'string' ? form : new URLSearchParams(form).toString(),
  });
}

/** The form of a client credentials exchange. */
export function grant(client: { clientId: string; clientSecret: string }): Record<string, string> {
  return {
    grant_type: 'client_credentials',
    provider: 'client_credentials',
    client_id: client.clientId,
    client_secret: client.clientSecret,
  };
}

/** An access token of that client; of the admin client by default. */
export async function tokenOf(
  server: ConfigServer,
  client: { clientId: string; clientSecret: string } = adminOf(server),
): Promise<string> {
  const answer = await postForm(`${server.url}/token`, grant(client));
  const body = await jsonOf(answer);
  if (typeof body.access_token !== 'string') throw new Error(`No token: ${answer.status}.`);
  return body.access_token;
}

/** The JSON object that an answer carries. */
export async function jsonOf(answer: Response): Promise<Record<string, unknown>> {
  const body: unknown = await answer.json();
  if (typeof body !== 'object' || body === null) throw new Error('The answer is no JSON object.');
  return { ...body };
}

/** Calls the API below the organization's path, with a token and a JSON body where there is one. */
export function callApi(
  server: ConfigServer,
  path: string,
  options: { token?: string; method?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Response> {
  return fetch(`${server.url}/organizations/${server.organizationId}${path}`, {
    method: options.method ?? 'GET',
    headers: {
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
}

/** A client as `POST /auth-clients` shows it. */
export interface MadeClient {
  id: string;
  clientId: string;
  clientSecret: string;
  publishableKey: string;
}

/** Makes an auth client with the admin's token. */
export async function makeClient(
  server: ConfigServer,
  token: string,
  wish: Record<string, unknown>,
): Promise<MadeClient> {
  const answer = await callApi(server, '/auth-clients', {
    token,
    method: 'POST',
    body: { name: 'test', ...wish },
  });
  const body = await jsonOf(answer);
  if (answer.status !== 201) throw new Error(`Not created: ${answer.status} ${String(body.message)}`);
  const text = (name: string) => {
    const value = body[name];
    return typeof value === 'string' ? value : '';
  };
  return {
    id: text('id'),
    clientId: text('clientId'),
    clientSecret: text('clientSecret'),
    publishableKey: text('publishableKey'),
  };
}

/** Sends raw bytes and answers all that comes back until the server ends the connection. */
export function sendRaw(server: ConfigServer, text: string): Promise<string> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(text));
    let received = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      received += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(received));
  });
}
