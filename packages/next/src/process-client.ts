import { createHash } from 'node:crypto';
import type { AnyConfig } from '@smooai/config';
import {
  type ConfigClient,
  type ConfigClientOptions,
  getSharedConfigClient,
  readSettings,
} from '@smooai/config/server';

/** Options of the client that this package creates. To use your own source, pass a `client` instead. */
export type ProcessClientOptions<C extends AnyConfig> = Omit<ConfigClientOptions<C>, 'config' | 'source'>;

const READY_TIMEOUT_MS = 5_000;

/**
 * Returns a function that resolves with the started client of this process for these settings and this schema.
 *
 * The client is shared through a registry, because Next may load a module several times in one process and reloads it on
 * every hot reload. Concurrent calls share one start. After a failed start, the next call tries again.
 */
export function processClient<C extends AnyConfig>(request: {
  config: C;
  clientOptions?: ProcessClientOptions<C>;
  readyTimeoutMs?: number;
}): () => Promise<ConfigClient<C>> {
  const { config, clientOptions, readyTimeoutMs: timeoutMs = READY_TIMEOUT_MS } = request;
  let key: string | undefined;
  return async () => {
    key ??= `next:${settingsDigest(clientOptions)}`;
    return getSharedConfigClient<C>({ ...clientOptions, config, key }).ready({ timeoutMs });
  };
}

/** Returns a digest, because the registry's keys must not contain the client secret. */
function settingsDigest<C extends AnyConfig>(options: ProcessClientOptions<C> | undefined): string {
  // Not checked here: a client whose settings are missing says so itself.
  const { apiUrl, authUrl, clientId, clientSecret, organizationId, environment } = readSettings(
    options ?? {},
  );
  const settings = [apiUrl, authUrl, clientId, clientSecret, organizationId, environment];
  return createHash('sha256').update(JSON.stringify(settings)).digest('base64url');
}
