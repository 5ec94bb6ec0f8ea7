import 'server-only';
import { createNextConfig } from '@smooai/config-next/server';
import { config } from '@smooai-demo/demo-schema';
import { visitor } from './visitor.ts';

/** The shop's configuration on the server. Its settings come from the SMOOAI_CONFIG_… environment variables. */
export const { client, flag, limit, secret, ConfigRoot, handlers } = createNextConfig({
  config,
  context: visitor,
});
