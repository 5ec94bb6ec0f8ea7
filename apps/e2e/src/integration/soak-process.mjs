// Run by soak.test.ts with --expose-gc: follows a change server and reports every second which resources it uses.
import { defineConfig } from '@smooai/config';
import { ConfigApi, createConfigClient, RemoteSource, TokenProvider } from '@smooai/config/server';
import { z } from 'zod';

const number = z.number().default(0);
const keys = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`key${index}`, number]));
const config = defineConfig({
  public: { padding: z.string().default('') },
  flags: { left: number, right: number, ...keys },
});

const { SOAK_URL: url } = process.env;
const tokenProvider = new TokenProvider({ authUrl: url, clientId: 'a-client', clientSecret: 'a-secret' });
const api = new ConfigApi({ apiUrl: url, organizationId: 'o', tokenProvider });
const source = new RemoteSource({ api, config, environment: 'development', reconnectCapMs: 500 });
const client = await createConfigClient({ config, source }).ready();

const faults = [];
process.on('warning', (warning) => faults.push(String(warning)));
process.on('unhandledRejection', (error) => faults.push(String(error)));
let changes = 0;
let newest = 0;
client.subscribe(({ keys: changed }) => {
  changes += changed.length > 0 ? 1 : 0;
  const [left, right] = [client.flag('left'), client.flag('right')];
  if (left !== right) faults.push(`half a change: ${left}, ${right}`);
  if (left <= newest) faults.push(`from ${newest} back to ${left}`);
  newest = left;
});
// Subscribers come and go.
setInterval(() => {
  const end = client.subscribe(() => client.snapshot());
  setTimeout(end, 50);
}, 100);

setInterval(() => {
  for (let turn = 0; turn < 3; turn += 1) globalThis.gc();
  const resources = {};
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
  const { heapUsed, rss } = process.memoryUsage();
  const { status } = client.health();
  process.send({ heapUsed, rss, resources, changes, newest, status, faults: faults.splice(0) });
}, 1_000);
process.on('disconnect', () => process.exit());
process.send({ isReady: true });
