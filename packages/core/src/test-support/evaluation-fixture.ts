import { afterEach, expect } from 'vitest';
import type { ConfigClientOptions } from '../client/client-options.ts';
import { type ConfigClient, createConfigClient } from '../client/config-client.ts';
import type { AnyConfig } from '../schema/config-types.ts';
import type { Ruleset } from '../wire.ts';

/** For `vi.waitFor`. */
export const soon = { timeout: 15_000, interval: 5 };
/** Settings of a client that reaches nothing but its `fetch`. */
export const settings = {
  apiUrl: 'http://127.0.0.1:9',
  authUrl: 'http://127.0.0.1:9',
  clientId: 'a-client',
  clientSecret: 'the-secret-of-a-client',
  organizationId: 'o',
  environment: 'development',
};
/** What the token endpoint gives. */
export const ACCESS_TOKEN = 'the-token-of-a-client';
/** Texts of a context that no error may repeat. */
export const EMAIL = 'jane.doe@private.example';

/** Answers one evaluation. */
export type Answer = (body: {
  environment: string;
  context: Record<string, unknown>;
}) => Response | Promise<Response>;

const clients: { close(): Promise<void> }[] = [];

/** Closes what {@link makeClient} made, after each test. */
export function closeAfterEach(): void {
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
  });
}

/** A ruleset that has what the schema needs. */
export function whole(part: Partial<Ruleset>): Ruleset {
  const empty = { public: {}, secret: {}, limits: {}, segments: {} };
  const flags = { since: '2026-01-01T00:00:00Z', ...part.flags };
  return { revision: '1', epoch: 'one', environment: 'development', ...empty, ...part, flags };
}

/** An answer in JSON. */
export const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } });

/** The server behind the `fetch` of {@link makeClient}. */
export interface AnsweringServer {
  answer: Answer;
  ruleset: Ruleset;
  /** Paths of evaluations. */
  asked: string[];
  bodies: unknown[];
  aborted: number;
}

/** A client of a server whose answers can be swapped; a stream it has not. */
export function makeClient<Config extends AnyConfig>(
  config: Config,
  answer: Answer,
  options: Partial<ConfigClientOptions<Config>> = {},
): { client: ConfigClient<Config>; server: AnsweringServer } {
  const server: AnsweringServer = { answer, ruleset: whole({}), asked: [], bodies: [], aborted: 0 };
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    if (pathname === '/token') return json({ access_token: ACCESS_TOKEN, expires_in: 3600 });
    if (pathname.endsWith('/ruleset')) return json(server.ruleset);
    if (!pathname.endsWith('/evaluate')) return json({ message: 'no' }, 503);
    server.asked.push(pathname);
    init?.signal?.addEventListener('abort', () => {
      server.aborted += 1;
    });
    const body = JSON.parse(init?.body as string);
    server.bodies.push(body);
    return server.answer(body);
  };
  const client = createConfigClient({ ...settings, config, fetch, pollIntervalMs: 20, ...options });
  clients.push(client);
  return { client, server };
}

/** An answer that comes when the test lets it. */
export function gate(): { open: () => void; isOpen: Promise<void> } {
  let open: () => void = () => undefined;
  const isOpen = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, isOpen };
}

/** What a promise rejects with. */
export const rejection = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.unreachable(),
    (error: unknown) => error,
  );
