// Run by disk-copy.test.ts: a client with a disk copy. Prints one event per line, and ends when its input ends.
import { defineConfig } from '@smooai/config';
import { createConfigClient } from '@smooai/config/server';
import { z } from 'zod';

const config = defineConfig({
  secrets: { paymentKey: z.string().min(1) },
  flags: { counter: z.number().default(0) },
});
const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const client = createConfigClient({
  config,
  fallback: 'cached',
  cache: { file: process.argv[2], writeIntervalMs: 1 },
  onEvent: (event) => {
    if (event.type === 'cache' || event.type === 'fallback') print({ ...event, error: undefined });
    if (event.type === 'changed') print({ type: 'counter', counter: client.flag('counter') });
  },
});
await client.ready({ timeoutMs: Number(process.argv[3]) });
print({ type: 'ready', counter: client.flag('counter'), keyLength: client.secret('paymentKey').length });
process.stdin.resume().on('end', () => {
  void client.close().then(() => process.exit());
});
