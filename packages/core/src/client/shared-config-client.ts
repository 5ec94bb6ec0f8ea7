import type { AnyConfig } from '../schema/config-types.ts';
import { toJsonSchema } from '../schema/json-schema.ts';
import type { ConfigClientOptions } from './client-options.ts';
import { ConfigClient } from './config-client.ts';

/** Options of {@link getSharedConfigClient}. */
export interface SharedConfigClientOptions<Config extends AnyConfig> extends ConfigClientOptions<Config> {
  /** Tells clients of one schema apart, such as those of two organizations; default `default`. */
  key?: string | undefined;
}

interface Entry {
  readonly key: string;
  readonly client: ConfigClient<AnyConfig>;
}

/** One registry a process, also where a reload or a bundler makes several copies of this package. */
const REGISTRY: unique symbol = Symbol.for('@smooai/config/clients');

/** Clients of edited schemas that a development server keeps open, as other modules may not be reloaded yet. */
const KEPT_IN_DEVELOPMENT = 3;

/**
 * The one client of this process for this schema and key: it survives a reload of the module that asks for it. A schema
 * that was edited gets a client of its own; in development (`NODE_ENV`) only the newest three of a key stay open. A client
 * that was closed is replaced at the next call. Of later calls only the schema and the key count.
 *
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
  // The identity holds the schema, so the client is one of this type.
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
    // A validator that cannot tell its JSON Schema is no reason to fail here; names tell schemas apart well enough.
    return JSON.stringify([...config.keys.values()].map(({ key, tier }) => [tier, key]));
  }
}
