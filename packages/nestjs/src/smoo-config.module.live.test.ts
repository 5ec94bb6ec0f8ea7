import 'reflect-metadata';
import { Controller, Get } from '@nestjs/common';
import { toJsonSchema } from '@smooai/config';
import { ConfigApi, type ConfigClient, TokenProvider } from '@smooai/config/server';
import { type ConfigServer, createConfigServer } from '@smooai/config-server';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { CONFIG_CLIENT, Flag, Limit, SmooConfigModule } from './index.ts';
import { config } from './test-support/shop-config.ts';
import { startApp } from './test-support/start-app.ts';

@Controller()
class ShopController {
  @Get('shop')
  shop(@Flag('theme') theme: string, @Limit('cartItems') cartItems: number): unknown {
    return { theme, cartItems };
  }
}

let server: ConfigServer;
let api: ConfigApi;

beforeAll(async () => {
  server = await createConfigServer();
  const settings = settingsOf(server);
  api = new ConfigApi({ ...settings, tokenProvider: new TokenProvider(settings) });
  await api.createSchema({ name: 'shop', jsonSchema: toJsonSchema(config) });
});

afterAll(() => server.close());

function settingsOf({ credentials }: ConfigServer) {
  if (credentials === undefined) throw new Error('The server has no credentials.');
  return { ...credentials, environment: 'development' };
}

async function set(
  key: string,
  value: string | number,
  tier: 'secret' | 'feature_flag' | 'limit',
): Promise<void> {
  const [schema] = await api.listSchemas();
  const environment = (await api.listEnvironments()).find(({ name }) => name === 'development');
  if (schema === undefined || environment === undefined) throw new Error('The server is empty.');
  await api.setValue({ schemaId: schema.id, environmentId: environment.id, key, value, tier });
}

it('starts with the values of a config server, follows changes, and closes with the application', async () => {
  const imports = [SmooConfigModule.forRoot({ config, ...settingsOf(server) })];
  await expect(startApp({ imports, controllers: [ShopController] })).rejects.toThrow(/paymentKey/);

  await set('paymentKey', 'a-payment-key', 'secret');
  const { app, get } = await startApp({ imports, controllers: [ShopController] });
  const client = app.get<ConfigClient>(CONFIG_CLIENT);
  expect(client.secret('paymentKey')).toBe('a-payment-key');
  expect((await get('/shop')).body).toEqual({ theme: 'light', cartItems: 20 });

  await set('theme', 'dark', 'feature_flag');
  await set('cartItems', 7, 'limit');
  await vi.waitFor(async () => expect((await get('/shop')).body).toEqual({ theme: 'dark', cartItems: 7 }), {
    timeout: 30_000,
    interval: 50,
  });

  // The shutdown waits for the client, which may still be writing its disk copy.
  const close = client.close.bind(client);
  client.close = async () => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    await close();
  };
  await app.close();
  expect(client.health().status).toBe('closed');
});
