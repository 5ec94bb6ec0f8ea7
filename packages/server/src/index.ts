export type { AttemptLimits } from './attempt-limiter.ts';
export { type ConfigServer, createConfigServer } from './create-config-server.ts';
export type { ServerCredentials } from './credentials-file.ts';
export { ServerStartError, type ServerStartErrorCode } from './errors.ts';
export { createServerLogger, type LogLevel } from './server-logger.ts';
export type { ConfigServerOptions, ServerTimeouts } from './server-options.ts';
