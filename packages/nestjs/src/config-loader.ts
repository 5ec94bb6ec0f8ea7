import type { AnyConfig, RegisteredConfig } from '@smooai/config';
import type { ConfigClient } from '@smooai/config/server';

/** Values by key, as they are at the time of the read. */
type LiveGroup = Readonly<Record<string, unknown>>;

/**
 * Makes public values and secrets readable through `ConfigService` of `@nestjs/config`, under `public.` and `secrets.`, for
 * an application that moves over step by step. Values follow their changes.
 *
 * @param client - from `createConfigClient`; pass it to `SmooConfigModule.forRoot({ client })` too, and close it yourself.
 * @example
 * ConfigModule.forRoot({ load: [configLoader(client)] }) // configService.get('secrets.paymentKey')
 */
export function configLoader<Config extends AnyConfig = RegisteredConfig>(
  client: ConfigClient<Config>,
): () => Promise<{ public: LiveGroup; secrets: LiveGroup }> {
  return async () => {
    await client.ready();
    const values = client as unknown as ConfigClient<AnyConfig>;
    return { public: group(values, 'public'), secrets: group(values, 'secret') };
  };
}

function group(client: ConfigClient<AnyConfig>, tier: 'public' | 'secret'): LiveGroup {
  const values = {};
  for (const [key, definition] of client.config.keys) {
    if (definition.tier === tier) {
      Object.defineProperty(values, key, { enumerable: tier === 'public', get: () => client[tier](key) });
    }
  }
  return values;
}
