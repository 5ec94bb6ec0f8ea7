import 'server-only';
import { createNextConfig } from '@smooai/config-next/server';
import { config } from '@smooai-demo/demo-schema';
import { visitor } from './visitor.ts';

/** The shop's configuration on the server; its settings are the SMOOAI_CONFIG_… variables. */
export const { flag, limit, publicValue, secret, snapshot, handlers } = createNextConfig({
  config,
  context: visitor,
});
