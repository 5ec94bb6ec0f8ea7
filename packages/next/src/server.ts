import 'server-only';

export {
  createNextConfig,
  type NextConfig,
  type NextConfigOptions,
  type NextConfigWithClient,
  type NextConfigWithSchema,
} from './next-config.ts';
export type { ProcessClientOptions } from './process-client.ts';
export type { SnapshotRouteHandler } from './snapshot-route-handler.ts';
