import type { ConfigClientEvent, ConfigClientOptions } from '../client/client-options.ts';
import { type ConfigClient, createConfigClient } from '../client/config-client.ts';
import type { AnyConfig } from '../schema/config-types.ts';
import type { Ruleset } from '../wire.ts';
import { ManualSource } from './manual-source.ts';

/** The settings of {@link makeCachedClient}, which its disk copy is bound to. */
export const CACHED_SETTINGS = {
  apiUrl: 'https://config.example.com',
  organizationId: 'org-1',
  environment: 'production',
  clientSecret: 'a client secret of a test',
};

/** A client with a disk copy, its source and its events. */
export interface CachedClient<Config extends AnyConfig> {
  client: ConfigClient<Config>;
  source: ManualSource;
  events: ConfigClientEvent[];
  cacheEvents: () => (ConfigClientEvent & { type: 'cache' })[];
}

/** Makes a client with a disk copy in `file`. `first` is what the server gives at the first start. */
export function makeCachedClient<Config extends AnyConfig>(
  config: Config,
  setting: { file: string; first: Ruleset | Error | 'nothing' },
  options: Partial<ConfigClientOptions<Config>> = {},
): CachedClient<Config> {
  const source = new ManualSource(setting.first);
  const events: ConfigClientEvent[] = [];
  const client = createConfigClient<Config>({
    config,
    source,
    onEvent: (event) => events.push(event),
    cache: { file: setting.file, writeIntervalMs: 1 },
    fallback: 'cached',
    ...CACHED_SETTINGS,
    overrides: false,
    ...options,
  });
  const cacheEvents = () => events.flatMap((event) => (event.type === 'cache' ? [event] : []));
  return { client, source, events, cacheEvents };
}
