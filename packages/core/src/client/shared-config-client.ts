import type { AnyConfig } from '../schema/config-types.ts';
import { toJsonSchema } from '../schema/json-schema.ts';
import type { ConfigClientOptions } from './client-options.ts';
import { ConfigClient } from './config-client.ts';

export interface SharedConfigClientOptions<Config extends AnyConfig> extends ConfigClientOptions<Config> {
  /** Distinguishes clients with the same schema, such as those of two organizations; default `default`. */
  key?: string | undefined;
}

interface Entry {
  readonly key: string;
  readonly client: ConfigClient<AnyConfig>;
}

/** One registry per process, even if a reload or a bundler loads this package more than once. */
const REGISTRY: unique symbol = Symbol.for('@smooai/config/clients');

/** In development, how many clients of edited schemas stay open: modules not reloaded yet may still use them. */
const KEPT_IN_DEVELOPMENT = 3;

/**
 * Returns the client of this process for a schema and key, and creates it at the first call. Later calls ignore all
 * other options. The client survives a reload of the module that calls this. An edited schema gets a new client; with
 * `NODE_ENV=development` only the newest three per key stay open. A closed client is replaced at the next call.
 *
 * @throws {OptionsError} for an option with an invalid value, at the first call.
 * @example
 * export const client = getSharedConfigClient({ config });
 * await client.ready();
 */
export function getSharedConfigClient<Config extends AnyConfig>(
  options: SharedConfigClientOptions<Config>,
): ConfigClient<Config> {
  const { key = 'default', ...clientOptions } = options;
  const entries = registry();
  const identity = `${key}:${fingerprint(options.config)}`;
  const known = entries.get(identity)?.client;
  // The identity includes the schema, so the client has this type.
  if (known !== undefined) return known as unknown as ConfigClient<Config>;
  const client = new ConfigClient<Config>(clientOptions);
  entries.set(identity, { key, client: client as unknown as ConfigClient<AnyConfig> });
  client.onClose(() => entries.delete(identity));
  closeOutdated(entries, key);
  return client;
}

function closeOutdated(entries: Map<string, Entry>, key: string): void {
  if (typeof process !== 'object' || process.env?.NODE_ENV !== 'development') return;
  const ofKey = [...entries.values()].filter((entry) => entry.key === key);
  for (const { client } of ofKey.slice(0, -KEPT_IN_DEVELOPMENT)) client.close().catch(() => undefined);
}

function registry(): Map<string, Entry> {
  const holder = globalThis as { [REGISTRY]?: Map<string, Entry> };
  holder[REGISTRY] ??= new Map();
  return holder[REGISTRY];
}

function fingerprint(config: AnyConfig): string {
  try {
    return JSON.stringify(toJsonSchema(config));
  } catch {
    // A validator without a JSON Schema must not make this fail. The names of the keys identify the schema well
    // enough.
    return JSON.stringify([...config.keys.values()].map(({ key, tier }) => [tier, key]));
  }
}
