import { createHash } from 'node:crypto';
import { type AnyConfig, toJsonSchema } from '@smooai/config';
import {
  type ConfigClient,
  type ConfigClientOptions,
  createConfigClient,
  resolveSettings,
} from '@smooai/config/server';

/** Options of the client that this package makes. One with a source of its own is given as `client` instead. */
export type ProcessClientOptions<C extends AnyConfig> = Omit<ConfigClientOptions<C>, 'config' | 'source'>;

interface Entry {
  readonly client: ConfigClient<AnyConfig>;
  readonly settings: string;
}

/** Next may hold several copies of this module in one process, and makes new ones at each hot reload. */
const REGISTRY: unique symbol = Symbol.for('@smooai/config-next/clients') as never;
/** Clients of edited schemas that a development server keeps open, as other routes may not be rebuilt yet. */
const KEPT_IN_DEVELOPMENT = 3;
const READY_TIMEOUT_MS = 5_000;

/**
 * Answers how to get the one client of this process for these settings and this schema, started. It is made on the
 * first call; the calls that wait for its start share it, and after a failed start the next call tries again.
 */
export function processClient<C extends AnyConfig>(request: {
  config: C;
  clientOptions?: ProcessClientOptions<C>;
  readyTimeoutMs?: number;
}): () => Promise<ConfigClient<C>> {
  const { config, clientOptions, readyTimeoutMs: timeoutMs = READY_TIMEOUT_MS } = request;
  let identity: { key: string; settings: string } | undefined;
  return async () => {
    identity ??= identityOf(config, clientOptions);
    const { key, settings } = identity;
    const entries = registry();
    let client = entries.get(key)?.client as unknown as ConfigClient<C> | undefined;
    if (client === undefined) {
      client = createConfigClient({ ...clientOptions, config });
      // The registry holds clients of every schema; the key makes sure that each gets its own.
      entries.set(key, { client: client as unknown as ConfigClient<AnyConfig>, settings });
      client.onClose(() => entries.delete(key));
      closeOutdated(entries, settings);
    }
    return client.ready({ timeoutMs });
  };
}

function identityOf<C extends AnyConfig>(
  config: C,
  options: ProcessClientOptions<C> | undefined,
): { key: string; settings: string } {
  const { apiUrl, authUrl, clientId, clientSecret, organizationId, environment } = resolveSettings(
    options ?? {},
  );
  const settings = digest([apiUrl, authUrl, clientId, clientSecret, organizationId, environment]);
  return { key: `${settings}:${fingerprint(config)}`, settings };
}

function closeOutdated(entries: Map<string, Entry>, settings: string): void {
  if (process.env.NODE_ENV !== 'development') return;
  const ofSettings = [...entries].filter(([, entry]) => entry.settings === settings);
  for (const [, entry] of ofSettings.slice(0, -KEPT_IN_DEVELOPMENT)) {
    entry.client.close().catch(() => undefined);
  }
}

function registry(): Map<string, Entry> {
  const holder = globalThis as { [REGISTRY]?: Map<string, Entry> };
  holder[REGISTRY] ??= new Map();
  return holder[REGISTRY];
}

function fingerprint(config: AnyConfig): string {
  try {
    return digest(toJsonSchema(config));
  } catch {
    // A validator that cannot tell its JSON Schema is no reason to fail here; names tell schemas apart well enough.
    return digest([...config.keys.values()].map(({ key, tier }) => [tier, key]));
  }
}

/** A digest, as a key of the registry must not show the client's secret. */
function digest(data: unknown): string {
  return createHash('sha256').update(JSON.stringify(data)).digest('base64url');
}
