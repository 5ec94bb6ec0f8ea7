import type { AnyConfig } from '@smooai/config';
import { type ConfigClient, createConfigClient } from '@smooai/config/server';
import { checkOptions } from './check-options.ts';
import type { SmooConfigOptions } from './smoo-config-options.ts';

/** Clients that a module created and must close. A client that was passed in, or overridden in a test, is not among them. */
const ownClients = new WeakSet<object>();

/** Creates the values of a test for a schema; what a test's module provides. */
export interface TestValuesSource {
  clientFor(config: AnyConfig): ConfigClient<AnyConfig>;
}

/** Waits for the values in the provider itself, so that other providers can read them in their constructors. */
export async function startClient(
  options: SmooConfigOptions<AnyConfig>,
  testValues: TestValuesSource | undefined,
): Promise<ConfigClient<AnyConfig>> {
  checkOptions(options);
  const { context: _, contextTimeoutMs: __, readyTimeoutMs, ...rest } = options;
  const wait = readyTimeoutMs === undefined ? {} : { timeoutMs: readyTimeoutMs };
  if (testValues !== undefined) {
    const schema = 'client' in rest ? rest.client.config : rest.config;
    return bound(await testValues.clientFor(schema).ready(wait));
  }
  if ('client' in rest) return bound(await rest.client.ready(wait));
  const client = bound(createConfigClient(rest));
  ownClients.add(client);
  try {
    return await client.ready(wait);
  } catch (error) {
    await client.close();
    throw error;
  }
}

export async function closeOwnClient(client: ConfigClient<AnyConfig>): Promise<void> {
  if (ownClients.delete(client)) await client.close();
}

const isBound = new WeakSet<object>();

/**
 * Gives the client methods that work on a proxy of it: `NestFactory` can wrap every provider in one (`instrument`), and a
 * method that is called on a proxy has no access to the client's private members.
 */
function bound<Client extends ConfigClient<AnyConfig>>(client: Client): Client {
  if (isBound.has(client)) return client;
  isBound.add(client);
  for (
    let owner: object = client;
    owner !== Object.prototype;
    owner = Object.getPrototypeOf(owner) as object
  ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(owner))) {
      if (typeof value !== 'function' || name === 'constructor' || Object.hasOwn(client, name)) continue;
      Object.defineProperty(client, name, { value: value.bind(client), writable: true, configurable: true });
    }
  }
  return client;
}
