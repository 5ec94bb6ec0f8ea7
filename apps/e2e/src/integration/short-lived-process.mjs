// Run by client.test.ts and contract.test.ts: starts a client, reads and closes. The process must then end by itself.
import { defineConfig } from '@smooai/config';
import { createConfigClient } from '@smooai/config/server';
import { z } from 'zod';

const config = defineConfig({ flags: { theme: z.enum(['light', 'dark']).default('light') } });
const client = await createConfigClient({ config }).ready();
process.stdout.write(client.flag('theme'));
await client.close();
