export { ConfigApi, type ConfigApiOptions } from './config-api.ts';
export type {
  ApiAuthClient,
  ApiEnvironment,
  ApiSchema,
  ApiSegment,
  ApiValue,
  AuthClientInput,
  CallOptions,
  CreatedAuthClient,
  EnvironmentInput,
  RulesetAnswer,
  SnapshotInput,
  ValueInput,
} from './config-api-types.ts';
export {
  ConfigClient,
  type ConfigClientEvent,
  type ConfigClientOptions,
  type ConfigHealth,
  createConfigClient,
} from './config-client.ts';
export {
  type ConfigSettings,
  type EnvironmentVariables,
  resolveSettings,
  type SettingsOptions,
} from './settings.ts';
export { getSharedTokenProvider, type SharedTokenProviderOptions } from './shared-token-provider.ts';
export {
  createSnapshotEventStream,
  type SnapshotEventClient,
  type SnapshotEventStreamOptions,
} from './snapshot-event-stream.ts';
export type { TokenEvent, TokenFailureSummary, TokenStatus } from './token-events.ts';
export type {
  GetAccessTokenOptions,
  TokenCredentialsIn,
  TokenProviderOptions,
} from './token-options.ts';
export { type AccessTokenSource, TokenProvider } from './token-provider.ts';
export {
  createTokenTelemetry,
  type TokenMeter,
  type TokenTelemetryOptions,
  type TokenTracer,
} from './token-telemetry.ts';
