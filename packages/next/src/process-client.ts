import { createHash } from 'node:crypto';
import type { AnyConfig } from '@smooai/config';
import {
  type ConfigClient,
  type ConfigClientOptions,
  getSharedConfigClient,
  resolveSettings,
} from '@smooai/config/server';

/** Options of the client that this package makes. One with a source of its own is given as `client` instead. */
export type ProcessClientOptions<C extends AnyConfig> = Omit<ConfigClientOptions<C>, 'config' | 'source'>;

const READY_TIMEOUT_MS = 5_000;

/**
 * Answers how to get the one client of this process for these settings and this schema, started: Next may hold several
 * copies of a module in one process, and makes new ones at each hot reload. The calls that wait for its start share it,
 * and after a failed start the next call tries again.
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

/** A digest, as a key of the registry must not show the client's secret. */
function settingsDigest<C extends AnyConfig>(options: ProcessClientOptions<C> | undefined): string {
  const { apiUrl, authUrl, clientId, clientSecret, organizationId, environment } = resolveSettings(
    options ?? {},
  );
  const settings = [apiUrl, authUrl, clientId, clientSecret, organizationId, environment];
  return createHash('sha256').update(JSON.stringify(settings)).digest('base64url');
}
