import { type AnyConfig, isConfigError } from '@smooai/config';
import {
  type ConfigClient,
  type ConfigClientOptions,
  createConfigClient,
  getSharedConfigClient,
  readSettings,
} from '@smooai/config/server';
import { expireEntriesOnChange } from './expire-entries.ts';
import { printsAsOneLine } from './report-once.ts';
import type { RevalidateOptions } from './revalidate-settings.ts';

/** Options of the client that this package creates. To use your own source, pass a `client` instead. */
export type ProcessClientOptions<C extends AnyConfig> = Omit<ConfigClientOptions<C>, 'config' | 'source'>;

/** What {@link processClient} needs. */
export interface ProcessClientRequest<C extends AnyConfig> {
  config: C;
  clientOptions?: ProcessClientOptions<C>;
  readyTimeoutMs?: number;
  revalidate?: RevalidateOptions;
}

const READY_TIMEOUT_MS = 5_000;

/** How many clients with the same settings stay open in development, where each edit of the schema needs a new one. */
const OPEN_IN_DEVELOPMENT = 3;

/** The starts of the clients of this process. Global symbols, because Next may load this module several times. */
const STARTS: unique symbol = Symbol.for('@smooai/config-next/starts') as never;
const RECENT: unique symbol = Symbol.for('@smooai/config-next/recent-clients') as never;

/**
 * Returns a function that resolves with the started client of this process for these settings and this schema.
 *
 * The client is shared through a registry, because Next may load a module several times in one process and reloads it on
 * every hot reload. All reads of the process share one wait. If it fails, reads fail at once until the client, which goes
 * on trying in the background, is ready.
 *
 * During `next build` the client reads the values once and is closed, because an open stream would keep the build's
 * workers alive.
 */
export function processClient<C extends AnyConfig>(
  request: ProcessClientRequest<C>,
): () => Promise<ConfigClient<C>> {
  let current: Promise<ProcessStart<C>> | undefined;
  let buildRead: Promise<ConfigClient<C>> | undefined;
  const start = async (): Promise<ProcessStart<C>> => {
    const started = await startProcessClient(request);
    // The next read starts a new client.
    started.client.onClose(() => {
      current = undefined;
    });
    return started;
  };
  return async () => {
    if (isBuild()) {
      buildRead ??= readOnce(request);
      return buildRead;
    }
    current ??= start();
    return (await current).wait();
  };
}

/** The start of one client, and the wait for it. */
class ProcessStart<C extends AnyConfig> {
  readonly client: ConfigClient<C>;
  readonly #timeoutMs: number;
  readonly #revalidate: RevalidateOptions | undefined;
  #wait: Promise<ConfigClient<C>> | undefined;
  #hasFailed = false;
  #failedAt = 0;

  constructor(client: ConfigClient<C>, timeoutMs: number, revalidate: RevalidateOptions | undefined) {
    this.client = client;
    this.#timeoutMs = timeoutMs;
    this.#revalidate = revalidate;
    if (process.env.NODE_ENV === 'development') client.onStatusChange(warnIfStale);
  }

  wait(): Promise<ConfigClient<C>> {
    if (this.#hasFailed && this.#mayTryAgain()) this.#wait = undefined;
    this.#wait ??= this.#ready();
    return this.#wait;
  }

  #mayTryAgain(): boolean {
    const { status } = this.client.health();
    // A client that a page of the Pages Router has created may not try by itself.
    if (status === 'failed') return performance.now() - this.#failedAt > this.#timeoutMs;
    return status !== 'starting';
  }

  async #ready(): Promise<ConfigClient<C>> {
    this.#hasFailed = false;
    try {
      await this.client.ready({ timeoutMs: this.#timeoutMs });
    } catch (error) {
      this.#hasFailed = true;
      this.#failedAt = performance.now();
      throw isConfigError(error) ? printsAsOneLine(error) : error;
    }
    expireEntriesOnChange(this.client, this.#revalidate);
    return this.client;
  }
}

function warnIfStale(status: string): void {
  if (status !== 'stale') return;
  // biome-ignore lint/suspicious/noConsole: in development only, where pages do not show that their values are old
  console.warn(
    '@smooai/config-next: the config server cannot be reached. Pages have the last known values until it is back.',
  );
}

async function startProcessClient<C extends AnyConfig>({
  config,
  clientOptions = {},
  readyTimeoutMs = READY_TIMEOUT_MS,
  revalidate,
}: ProcessClientRequest<C>): Promise<ProcessStart<C>> {
  const key = await registryKey(clientOptions);
  const client = getSharedConfigClient<C>({
    start: 'background',
    ...withFallback(clientOptions),
    config,
    key,
  });
  const holder = globalThis as { [STARTS]?: WeakMap<object, unknown> };
  holder[STARTS] ??= new WeakMap();
  const known = holder[STARTS].get(client) as ProcessStart<C> | undefined;
  const start = known ?? new ProcessStart(client, readyTimeoutMs, revalidate);
  if (known === undefined && process.env.NODE_ENV === 'development') await closeOldest(key, client);
  holder[STARTS].set(client, start);
  return start;
}

/** Closes the clients of schemas that were edited since. One that is still in use is started again by its next read. */
async function closeOldest(key: string | undefined, client: { close(): Promise<void> }): Promise<void> {
  const holder = globalThis as { [RECENT]?: Map<string | undefined, { close(): Promise<void> }[]> };
  holder[RECENT] ??= new Map();
  const recent = [...(holder[RECENT].get(key) ?? []), client];
  holder[RECENT].set(key, recent.slice(-OPEN_IN_DEVELOPMENT));
  for (const old of recent.slice(0, -OPEN_IN_DEVELOPMENT)) await old.close();
}

/** Bundled values and a disk copy are there to be used when the server is down. */
function withFallback<C extends AnyConfig>(options: ProcessClientOptions<C>): ProcessClientOptions<C> {
  const { bundled, cache, fallback } = options;
  if (fallback !== undefined || (bundled === undefined && cache === undefined)) return options;
  return { ...options, fallback: 'cached' };
}

function isBuild(): boolean {
  return process.env.NEXT_PHASE === 'phase-production-build';
}

/** Reads the values for a build. Bundled values serve when no settings are given. */
async function readOnce<C extends AnyConfig>({
  config,
  clientOptions = {},
  readyTimeoutMs: timeoutMs = READY_TIMEOUT_MS,
}: ProcessClientRequest<C>): Promise<ConfigClient<C>> {
  const options = { ...withFallback(clientOptions), config, start: 'ready' as const };
  try {
    return await readAndClose(createConfigClient<C>(options), timeoutMs);
  } catch (error) {
    const hasNoSettings = isConfigError(error, 'ERR_SETTINGS_MISSING') && error.malformed.length === 0;
    if (!hasNoSettings || options.bundled === undefined) throw error;
    const source = { start: () => Promise.reject(new Error('No settings.')), stop: () => undefined };
    return readAndClose(createConfigClient<C>({ ...options, fallback: 'cached', source }), timeoutMs);
  }
}

/** A closed client keeps its values. */
async function readAndClose<C extends AnyConfig>(
  client: ConfigClient<C>,
  timeoutMs: number,
): Promise<ConfigClient<C>> {
  try {
    return await client.ready({ timeoutMs });
  } finally {
    await client.close();
  }
}

/**
 * Settings of the environment give the key of `getSharedConfigClient({ config })`, which pages of the Pages Router use: both
 * routers then share one client. Other settings need a client of their own.
 */
async function registryKey<C extends AnyConfig>(
  options: ProcessClientOptions<C>,
): Promise<string | undefined> {
  const [own, default_] = await Promise.all([settingsDigest(options), settingsDigest({})]);
  return own === default_ ? undefined : `next:${own}`;
}

/** Returns a digest, because the registry's keys must not contain the client secret. */
async function settingsDigest<C extends AnyConfig>(options: ProcessClientOptions<C>): Promise<string> {
  // Not checked here: a client whose settings are missing says so itself.
  const { apiUrl, authUrl, clientId, clientSecret, organizationId, environment } = readSettings(options);
  const settings = [apiUrl, authUrl, clientId, clientSecret, organizationId, environment];
  const text = new TextEncoder().encode(JSON.stringify(settings));
  // Web Crypto, because the edge runtime has no `node:crypto`.
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', text));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
