export type { AttemptLimits } from './auth/attempt-limiter.ts';
export type { ServerCredentials } from './bootstrap/credentials-file.ts';
export { type ConfigServer, createConfigServer } from './create-config-server.ts';
export { ServerStartError, type ServerStartErrorCode } from './errors.ts';
export { createServerLogger, type LogLevel } from './server-logger.ts';
export type { ConfigServerOptions, ServerTimeouts } from './server-options.ts';
export type { WebhookOptions } from './webhooks/webhook-options.ts';
