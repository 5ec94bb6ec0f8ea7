// Run by disk-copy.test.ts: a client with a disk copy, which tells its events a line each and ends with its input.
import { defineConfig } from '@smooai/config';
import { createConfigClient } from '@smooai/config/server';
import { z } from 'zod';

const config = defineConfig({
  secrets: { paymentKey: z.string().min(1) },
  flags: { counter: z.number().default(0) },
});
const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const client = createConfigClient({
  config,
  fallback: 'cached',
  cache: { file: process.argv[2], writeIntervalMs: 1 },
  onEvent: (event) => {
    if (event.type === 'cache' || event.type === 'fallback') tell({ ...event, error: undefined });
    if (event.type === 'changed') tell({ type: 'counter', counter: client.flag('counter') });
  },
});
await client.ready({ timeoutMs: Number(process.argv[3]) });
tell({ type: 'ready', counter: client.flag('counter'), keyLength: client.secret('paymentKey').length });
process.stdin.resume().on('end', () => {
  void client.close().then(() => process.exit());
});
