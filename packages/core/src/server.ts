export type { BundledValue, BundledValues, ResolvedValues } from './bundled-values.ts';
export type { ConfigHealth } from './client-life.ts';
export type { ConfigClientEvent, ConfigClientOptions } from './client-options.ts';
export type { ClientStatus } from './client-status.ts';
export type { ConfigMeter, ConfigTelemetryOptions, ConfigTracer } from './client-telemetry.ts';
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
export { ConfigClient, createConfigClient } from './config-client.ts';
export type { EnvironmentOverrideOptions } from './env-overrides.ts';
export type { EvaluationCacheOptions } from './evaluation-cache.ts';
export type { BundledInCode, BundledInFiles, BundledOptions } from './file-source.ts';
export type { CacheEvent, CacheOptions } from './last-known-good.ts';
export type { ValueSource } from './layer-values.ts';
export type { EvaluateOptions } from './remote-evaluation.ts';
export { RemoteSource, type RemoteSourceOptions } from './remote-source.ts';
export type { RulesetSink, RulesetSource, SourceStatus } from './ruleset-source.ts';
export {
  type ConfigSettings,
  type EnvironmentVariables,
  resolveSettings,
  type SettingsOptions,
} from './settings.ts';
export { getSharedConfigClient, type SharedConfigClientOptions } from './shared-config-client.ts';
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
