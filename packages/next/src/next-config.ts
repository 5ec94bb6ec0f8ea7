import { type AnyConfig, OptionsError } from '@smooai/config';
import type { ConfigClient } from '@smooai/config/server';
import { renderConfigRoot } from './config-root.tsx';
import { expireEntriesOnChange } from './expire-entries.ts';
import type { NextConfig, NextConfigOptions } from './next-config-types.ts';
import {
  checkBrowserKeys,
  checkContextOption,
  checkObject,
  checkReadyTimeout,
  checkSchema,
} from './option-checks.ts';
import { processClient } from './process-client.ts';
import { createReads } from './reads.ts';
import { createRevalidateRouteHandler } from './revalidate-route-handler.ts';
import { guardSecret } from './secret-guard.ts';
import { createSnapshotRouteHandler } from './snapshot-route-handler.ts';
import { testClient } from './test-client.ts';

/**
 * Reads typed configuration in server components, server actions and route handlers.
 *
 * Nothing is fetched on import. The first read starts the client and rejects if it cannot start in time; the client goes
 * on trying. After that, reads come from memory, even while the config server is down. A page that reads configuration is
 * rendered for each request. Inside `'use cache'`, public values, flags and limits are stored with the entry, which
 * expires when one of them changes.
 *
 * @throws {OptionsError} unless exactly one of `config` and `client` is given, and for an option with a wrong value.
 * @example
 * export const { flag, limit, secret, ConfigRoot, handlers } = createNextConfig({
 *   config,
 *   context: async () => ({ userId: (await cookies()).get('userId')?.value }),
 * });
 */
export function createNextConfig<C extends AnyConfig>(options: NextConfigOptions<C>): NextConfig<C> {
  checkOptions(options);
  const ownClient = clientGetter(options);
  const client = async (): Promise<ConfigClient<C>> => testClient<C>() ?? ownClient();
  const { context, browserKeys } = options;
  const { evaluated, publicClient, secretClient, snapshot } = createReads(options, client);
  return {
    flag: async (key, given) => {
      const read = await evaluated('flag', [key], given);
      return read.client.flag(key, read.context);
    },
    flags: async (keys, given) => {
      if (!Array.isArray(keys))
        throw new OptionsError('keys', "flags: pass an array of names: flags(['name']).");
      const read = await evaluated('flags', keys, given);
      return keys.map((key) => read.client.flag(key, read.context)) as never;
    },
    flagDetails: async (key, given) => {
      const read = await evaluated('flagDetails', [key], given);
      return read.client.flagDetails(key, read.context);
    },
    limit: async (key, given) => {
      const read = await evaluated('limit', [key], given);
      return read.client.limit(key, read.context);
    },
    publicValue: async (key) => (await publicClient(key)).public(key),
    secret: async (key) => guardSecret(key, (await secretClient(key)).secret(key)),
    snapshot: (given) => snapshot(given),
    ConfigRoot: renderConfigRoot.bind(undefined, () => snapshot(undefined, 'ConfigRoot')),
    handlers: {
      GET: createSnapshotRouteHandler<C>({
        getClient: client,
        ...(context !== undefined && { context }),
        ...(browserKeys !== undefined && { keys: browserKeys }),
      }),
      POST: createRevalidateRouteHandler(client, options.revalidate),
    },
    client,
  };
}

/** At once, because the process keeps its first client, and the mistakes in it, across hot reloads. */
function checkOptions<C extends AnyConfig>(options: NextConfigOptions<C>): void {
  const { config, client, context, browserKeys } = options;
  if (config !== undefined) checkSchema(config);
  checkObject('clientOptions', options.clientOptions);
  checkReadyTimeout(options.readyTimeoutMs);
  checkContextOption(context);
  checkBrowserKeys(
    'browserKeys',
    browserKeys,
    config ?? (typeof client === 'object' ? client.config : undefined),
  );
  checkObject('revalidate', options.revalidate);
}

function clientGetter<C extends AnyConfig>(options: NextConfigOptions<C>): () => Promise<ConfigClient<C>> {
  const { config, client, revalidate } = options;
  if (config !== undefined && client === undefined) return processClient(options);
  if (client !== undefined && config === undefined) {
    return async () => {
      const given = await (typeof client === 'function' ? await client() : client).ready();
      expireEntriesOnChange(given, revalidate);
      return given;
    };
  }
  throw new OptionsError('config', 'createNextConfig: pass either "config" (a schema) or "client".');
}
