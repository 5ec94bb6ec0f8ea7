// Run by giving-up.test.ts: gives up on a server that accepts connections and says nothing. The process must then end.
import { defineConfig } from '@smooai/config';
import { ConfigApi, createConfigClient, discoverSettings, TokenProvider } from '@smooai/config/server';
import { z } from 'zod';

const config = defineConfig({ flags: { left: z.number().default(0) } });
const { SILENT_URL: silentUrl, TOKEN_URL: tokenUrl } = process.env;
const ids = { clientId: 'c', clientSecret: 's', organizationId: 'o' };
const silent = { ...ids, apiUrl: silentUrl, authUrl: silentUrl };
/** The issuer responds, but the API does not. */
const silentApi = { ...silent, authUrl: tokenUrl };
const apiOf = (settings, options = {}) =>
  new ConfigApi({ ...settings, tokenProvider: new TokenProvider(settings), ...options });
const after = (ms) => ({ signal: AbortSignal.timeout(ms) });

const waits = {
  'ready, no token': () => createConfigClient({ config, ...silent }).ready({ timeoutMs: 300 }),
  'ready, no values': () => createConfigClient({ config, ...silentApi }).ready({ timeoutMs: 300 }),
  'ready, no metadata': () =>
    createConfigClient({ config, ...silent, authUrl: undefined }).ready({ timeoutMs: 300 }),
  'ready, own fetch': () =>
    createConfigClient({ config, ...silent, fetch: (...call) => fetch(...call) }).ready({ timeoutMs: 300 }),
  'ready, several': async () => {
    const client = createConfigClient({ config, ...silent });
    const waiting = [100, 300, 200].map((timeoutMs) => client.ready({ timeoutMs }));
    const outcomes = await Promise.allSettled(waiting);
    if (outcomes.every(({ status }) => status === 'rejected')) throw outcomes[1].reason;
  },
  'closed while it starts': async () => {
    const client = createConfigClient({ config, ...silent });
    setTimeout(() => void client.close(), 300);
    await client.ready();
  },
  'closed in the background': async () => {
    const client = createConfigClient({ config, ...silent, start: 'background' });
    await client.ready({ timeoutMs: 300 }).catch(() => undefined);
    await client.close();
    throw new Error('closed');
  },
  evaluateFlag: () => createConfigClient({ config, ...silent }).evaluateFlag('left', {}, { timeoutMs: 300 }),
  'evaluateFlag, signal': () =>
    createConfigClient({ config, ...silentApi }).evaluateFlag('left', {}, after(300)),
  getAccessToken: () => new TokenProvider(silent).getAccessToken(after(300)),
  'getAccessToken, secret': () =>
    new TokenProvider({ ...silent, clientSecret: () => new Promise(() => {}) }).getAccessToken(after(300)),
  'getAccessToken, retries': () =>
    // Nothing listens at port 1, so each attempt fails at once.
    new TokenProvider({ ...silent, authUrl: 'http://127.0.0.1:1', maxAttempts: 100 }).getAccessToken(
      after(300),
    ),
  'ConfigApi, signal, no token': () => apiOf(silent).listSchemas(after(300)),
  'ConfigApi, signal': () => apiOf(silentApi).listSchemas(after(300)),
  'ConfigApi, deadline, no token': () => apiOf(silent, { deadlineMs: 300 }).listSchemas(),
  'ConfigApi, deadline': () => apiOf(silentApi, { deadlineMs: 300 }).listSchemas(),
  'ConfigApi, stream': () => apiOf(silentApi).openStream('development', after(300)),
  discoverSettings: () => discoverSettings({ ...silent, authUrl: undefined }, after(300)),
};

const [, , wait] = process.argv;
const keepAlive = setInterval(() => undefined, 1_000);
const outcome = await waits[wait]().then(
  () => 'it resolved',
  (error) => error.code ?? error.message,
);
clearInterval(keepAlive);
let lingeredTicks = 0;
setInterval(() => {
  lingeredTicks += 1;
}, 20).unref();
process.once('exit', () => {
  process.stdout.write(JSON.stringify({ outcome, lingeredTicks }));
});
