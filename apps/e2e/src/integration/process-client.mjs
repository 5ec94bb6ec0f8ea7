// Run by processes.test.ts as a fork and as a worker thread: a client of its own that tells of all that happens to it.
import { parentPort } from 'node:worker_threads';
import { defineConfig } from '@smooai/config';
import {
  ConfigApi,
  createConfigClient,
  RemoteSource,
  resolveSettings,
  TokenProvider,
} from '@smooai/config/server';
import { z } from 'zod';

const config = defineConfig({ flags: { left: z.number().default(0) } });
const tell = (message) => (parentPort === null ? process.send(message) : parentPort.postMessage(message));

const settings = resolveSettings();
const api = new ConfigApi({ ...settings, tokenProvider: new TokenProvider(settings) });
const times = JSON.parse(process.env.CLIENT_TIMES ?? '{}');
const source = new RemoteSource({ api, config, environment: settings.environment, ...times });
const client = createConfigClient({
  config,
  source,
  onEvent: ({ type, status }) => {
    if (type === 'connection') tell({ status, health: client.health().status });
  },
});
client.subscribe(() => tell({ left: client.flag('left') }));
if (parentPort === null) process.on('disconnect', () => process.exit());
await client.ready();
