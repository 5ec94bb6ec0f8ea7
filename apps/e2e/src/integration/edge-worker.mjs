// Bundled by edge-runtime.test.ts and run where only web APIs exist.
import { defineConfig, toJsonSchema } from '@smooai/config';
import {
  ConfigApi,
  createBundleKey,
  createConfigClient,
  fetchConfigValue,
  getSharedTokenProvider,
  sealBundle,
  TokenProvider,
} from '@smooai/config/server';
import { z } from 'zod';

const config = defineConfig({
  public: { title: z.string().default('Shop') },
  secrets: { apiKey: z.string().optional() },
  flags: { theme: z.enum(['light', 'dark']).default('light') },
});

async function failureOf(work) {
  return work.then(
    () => undefined,
    ({ code, status, error, reason }) => ({ code, status, error, reason }),
  );
}

async function storedValue(api, key, value) {
  const [schema] = await api.listSchemas();
  const environment = (await api.listEnvironments()).find(({ name }) => name === 'development');
  return { schemaId: schema.id, environmentId: environment.id, key, value, tier: 'feature_flag' };
}

/** Starts from a baked bundle without a server, and from bundles that must be refused. Reads one value without a server. */
export async function runOffline(settings) {
  const key = createBundleKey();
  const bundle = await sealBundle({ public: { title: 'Baked' }, secret: { apiKey: 'a-baked-secret' } }, key);
  const start = async (bundled) => {
    const client = createConfigClient({ config, ...settings, bundled, fallback: 'cached' });
    try {
      // Long enough to decrypt the bundle on a busy machine.
      await client.ready({ timeoutMs: 5_000 });
      return [
        client.public('title'),
        client.secret('apiKey'),
        client.flag('theme'),
        client.health().transport,
      ];
    } catch (error) {
      return `${error.code}: ${error.message}`;
    } finally {
      await client.close();
    }
  };
  const text = new TextDecoder('latin1').decode(bundle);
  return JSON.stringify({
    baked: await start({ bundle, key }),
    hasClearText: text.includes('a-baked-secret') || text.includes('apiKey'),
    torn: await start({ bundle: bundle.subarray(0, -5), key }),
    changed: await start({ bundle: bundle.map((byte, index) => (index === 40 ? byte ^ 1 : byte)), key }),
    wrongKey: await start({ bundle, key: createBundleKey() }),
    foreign: await start({ bundle: new TextEncoder().encode('{"public":{}}'), key }),
    noKey: await start({ bundle }),
    path: await start({ bundle: 'config.bundle', key }),
    value: await failureOf(fetchConfigValue('theme', { ...settings, config, retries: 0 })),
  });
}

/** Exchanges, invalidates, shares and aborts tokens; then starts a client. */
export async function run({ deadUrl, ...settings }) {
  const { authUrl, clientId, clientSecret } = settings;
  const events = [];
  const onEvent = ({ type }) => void events.push(type);
  const provider = new TokenProvider({ authUrl, clientId, clientSecret, onEvent, credentialsIn: 'basic' });
  const calls = Array.from({ length: 100 }, () => provider.getAccessToken());
  const tokens = new Set(await Promise.all(calls));
  const exchanges = events.filter((type) => type === 'exchange-started').length;
  const [token] = tokens;
  const api = new ConfigApi({ ...settings, tokenProvider: provider });
  const environments = (await api.listEnvironments()).map(({ name }) => name);
  provider.invalidate(token);
  await api.createSchema({ name: 'shop', jsonSchema: toJsonSchema(config) });
  await api.setValues([await storedValue(api, 'theme', 'dark')]);
  const fetched = await fetchConfigValue('theme', { ...settings, config });
  const isAnother = (await provider.getAccessToken()) !== token;
  const wrong = new TokenProvider({ authUrl, clientId, clientSecret: 'wrong' });
  const lost = new TokenProvider({ authUrl: deadUrl, clientId, clientSecret, maxAttempts: 1 });
  const client = await createConfigClient({ config, ...settings }).ready();
  const theme = client.flag('theme');
  await client.close();
  return JSON.stringify({
    tokens: tokens.size,
    exchanges,
    environments,
    isAnother,
    isShared: getSharedTokenProvider(settings) === getSharedTokenProvider({ ...settings }),
    wrongSecret: await failureOf(wrong.getAccessToken()),
    aborted: await failureOf(wrong.getAccessToken({ signal: AbortSignal.abort() })),
    refused: await failureOf(lost.getAccessToken()),
    theme,
    fetched,
  });
}
