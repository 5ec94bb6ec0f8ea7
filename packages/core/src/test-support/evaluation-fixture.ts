import { afterEach, expect } from 'vitest';
import type { ConfigClientOptions } from '../client/client-options.ts';
import { type ConfigClient, createConfigClient } from '../client/config-client.ts';
import type { AnyConfig } from '../schema/config-types.ts';
import type { Ruleset } from '../wire.ts';

/** Options for `vi.waitFor`. */
export const soon = { timeout: 30_000, interval: 5 };
/** Settings of a client that sends everything to its `fetch`. */
export const settings = {
  apiUrl: 'http://127.0.0.1:9',
  authUrl: 'http://127.0.0.1:9',
  clientId: 'a-client',
  clientSecret: 'the-secret-of-a-client',
  organizationId: 'o',
  environment: 'development',
};
/** The token that the token endpoint issues. */
export const ACCESS_TOKEN = 'the-token-of-a-client';
/** Part of a context. No error may repeat it. */
export const EMAIL = 'jane.doe@private.example';

/** Responds to one evaluation request. */
export type Respond = (body: {
  environment: string;
  context: Record<string, unknown>;
}) => Response | Promise<Response>;

const clients: { close(): Promise<void> }[] = [];

/** Closes the clients of {@link makeClient} after each test. */
export function closeAfterEach(): void {
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
  });
}

/** A ruleset with every value that the schema requires. */
export function completeRuleset(part: Partial<Ruleset>): Ruleset {
  const empty = { public: {}, secret: {}, limits: {}, segments: {} };
  const flags = { since: '2026-01-01T00:00:00Z', ...part.flags };
  return { revision: '1', epoch: 'one', environment: 'development', ...empty, ...part, flags };
}

/** A response in JSON. */
export const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } });

/** The server behind the `fetch` of {@link makeClient}. */
export interface EvaluationServer {
  respond: Respond;
  ruleset: Ruleset;
  /** Paths of the evaluation requests. */
  paths: string[];
  bodies: unknown[];
  aborted: number;
}

/** A client and its server, whose responses a test can replace. The server has no event stream. */
export function makeClient<Config extends AnyConfig>(
  config: Config,
  respond: Respond,
  options: Partial<ConfigClientOptions<Config>> = {},
): { client: ConfigClient<Config>; server: EvaluationServer } {
  const server: EvaluationServer = {
    respond,
    ruleset: completeRuleset({}),
    paths: [],
    bodies: [],
    aborted: 0,
  };
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    if (pathname === '/token') return json({ access_token: ACCESS_TOKEN, expires_in: 3600 });
    if (pathname.endsWith('/ruleset')) return json(server.ruleset);
    if (!pathname.endsWith('/evaluate')) return json({ message: 'no' }, 503);
    server.paths.push(pathname);
    init?.signal?.addEventListener('abort', () => {
      server.aborted += 1;
    });
    const body = JSON.parse(init?.body as string);
    server.bodies.push(body);
    return server.respond(body);
  };
  const client = createConfigClient({ ...settings, config, fetch, pollIntervalMs: 20, ...options });
  clients.push(client);
  return { client, server };
}

/** A promise that a test resolves with `open`. */
export function gate(): { open: () => void; isOpen: Promise<void> } {
  let open: () => void = () => undefined;
  const isOpen = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, isOpen };
}

/** The reason that a promise rejects with. */
export const rejection = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.unreachable(),
    (error: unknown) => error,
  );
