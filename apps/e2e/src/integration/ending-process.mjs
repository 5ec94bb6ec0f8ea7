// Run by processes.test.ts: brings a client into one of several states, after which the process must end by itself.
import { defineConfig } from '@smooai/config';
import { createConfigClient } from '@smooai/config/server';
import { z } from 'zod';

const config = defineConfig({ flags: { left: z.number().default(0) } });
const client = createConfigClient({ config });
const endings = {
  closed: async () => {
    await client.ready();
    await client.close();
  },
  'closed while it starts': async () => {
    const started = client.ready().catch(() => undefined);
    await client.close();
    await started;
  },
  'never started': async () => client.flag('left'),
  // The server goes away. After that the client only waits, which must not keep the process alive.
  'cut off': async () => {
    await client.ready();
    process.stdout.write('ready\n');
    // The open stream keeps the process alive until then.
  },
  refused: async () => {
    const wrong = createConfigClient({ config, clientSecret: 'not-the-secret' });
    await wrong.ready().catch(() => undefined);
  },
};
process.once('exit', () => process.stdout.write('the end\n'));
await endings[process.argv[2]]();
