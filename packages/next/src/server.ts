import 'server-only';

export { configTag } from './cache-scope.ts';
export type { ConfigRootProps } from './config-root.tsx';
export { CachedReadError } from './errors.ts';
export { createNextConfig } from './next-config.ts';
export type {
  BrowserKey,
  NextConfig,
  NextConfigOptions,
  NextConfigWithClient,
  NextConfigWithSchema,
} from './next-config-types.ts';
export type { ProcessClientOptions } from './process-client.ts';
export type { RevalidateRouteHandler } from './revalidate-route-handler.ts';
export type { RevalidateOptions } from './revalidate-settings.ts';
export type { SnapshotRouteHandler } from './snapshot-route-handler.ts';
