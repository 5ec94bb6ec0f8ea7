import 'server-only';
import { createNextConfig } from '@smooai/config-next/server';
import { measuredConfig } from './schema.mjs';
import { visitor } from './visitor';

export const { flags, ConfigRoot, handlers } = createNextConfig({ config: measuredConfig, context: visitor });
