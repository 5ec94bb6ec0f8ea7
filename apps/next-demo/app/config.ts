import 'server-only';
import { createNextConfig } from '@smooai/config-next/server';
import { config } from '@smooai-demo/demo-schema';
import { visitor } from './visitor.ts';

/** The shop's configuration on the server. Its settings come from the SMOOAI_CONFIG_… environment variables. */
export const { flag, limit, publicValue, secret, snapshot, handlers } = createNextConfig({
  config,
  context: visitor,
});
