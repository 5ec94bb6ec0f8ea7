import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, onTestFinished } from 'vitest';
import type { ServerCredentials } from '../bootstrap/credentials-file.ts';
import { type ConfigServer, createConfigServer } from '../create-config-server.ts';
import type { ConfigServerOptions } from '../server-options.ts';

/** A server on a free port, in memory by default; closed when the test ends. */
export async function startServer(options: ConfigServerOptions = {}): Promise<ConfigServer> {
  const server = await createConfigServer({ env: {}, ...options });
  onTestFinished(() => server.close());
  return server;
}

/** One server in memory for all tests of a `describe` block, which must not change it. */
export function sharedServer(): () => ConfigServer {
  let server: ConfigServer | undefined;
  beforeAll(async () => {
    const started = await createConfigServer({ env: {} });
    server = started;
    return () => started.close();
  });
  return () => {
    if (server === undefined) throw new Error('The shared server runs only inside of tests.');
    return server;
  };
}

/** An empty directory; removed when the test ends. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'config-server-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** The admin credentials of a first start. */
export function adminOf(server: ConfigServer): ServerCredentials {
  if (!server.credentials) throw new Error('This start created no credentials.');
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

/** An access token of a client, by default of the admin client. */
export async function tokenOf(
  server: ConfigServer,
  client: { clientId: string; clientSecret: string } = adminOf(server),
): Promise<string> {
  const response = await postForm(`${server.url}/token`, grant(client));
  const body = await jsonOf(response);
  if (typeof body.access_token !== 'string')
    throw new Error(`The server refused a token: ${response.status}.`);
  return body.access_token;
}

/** The JSON object in the body of a response. */
export async function jsonOf(response: Response): Promise<Record<string, unknown>> {
  const body: unknown = await response.json();
  if (typeof body !== 'object' || body === null) throw new Error('The body is not a JSON object.');
  return { ...body };
}

/** Calls the API below the organization's path, with an optional token and JSON body. */
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
export interface CreatedClient {
  id: string;
  clientId: string;
  clientSecret: string;
  publishableKey: string;
}

/** Creates an auth client with the admin's token. */
export async function makeClient(
  server: ConfigServer,
  token: string,
  input: Record<string, unknown>,
): Promise<CreatedClient> {
  const response = await callApi(server, '/auth-clients', {
    token,
    method: 'POST',
    body: { name: 'test', ...input },
  });
  const body = await jsonOf(response);
  if (response.status !== 201) throw new Error(`Not created: ${response.status} ${String(body.message)}`);
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

/** Sends raw text and returns everything that arrives until the server closes the connection. */
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
