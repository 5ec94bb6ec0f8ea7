// Run by processes.test.ts as a child process and as a worker thread: a client that sends its events to the parent.
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
const send = (message) => (parentPort === null ? process.send(message) : parentPort.postMessage(message));

const settings = resolveSettings();
const api = new ConfigApi({ ...settings, tokenProvider: new TokenProvider(settings) });
const times = JSON.parse(process.env.CLIENT_TIMES ?? '{}');
const source = new RemoteSource({ api, config, environment: settings.environment, ...times });
const client = createConfigClient({
  config,
  source,
  onEvent: ({ type, status }) => {
    if (type === 'connection') send({ status, health: client.health().status });
  },
});
client.subscribe(() => send({ left: client.flag('left') }));
if (parentPort === null) process.on('disconnect', () => process.exit());
await client.ready();
