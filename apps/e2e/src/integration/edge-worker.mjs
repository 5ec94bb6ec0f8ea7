// Bundled by edge-runtime.test.ts and run where only web APIs exist.
import { defineConfig, toJsonSchema } from '@smooai/config';
import {
  ConfigApi,
  createConfigClient,
  fetchConfigValue,
  getSharedTokenProvider,
  TokenProvider,
} from '@smooai/config/server';
import { z } from 'zod';

const config = defineConfig({ flags: { theme: z.enum(['light', 'dark']).default('light') } });

async function failureOf(work) {
  return work.then(
    () => undefined,
    ({ code, status, error, reason }) => ({ code, status, error, reason }),
  );
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
