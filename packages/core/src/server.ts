export { ConfigApi, type ConfigApiOptions } from './api/config-api.ts';
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
  RulesetResult,
  SnapshotInput,
  ValueInput,
  VersionedValue,
  WriteCondition,
} from './api/config-api-types.ts';
export type { ConfigClientEvent, ConfigClientOptions } from './client/client-options.ts';
export type { ClientStatus } from './client/client-status.ts';
export type { ConfigMeter, ConfigTelemetryOptions, ConfigTracer } from './client/client-telemetry.ts';
export { ConfigClient, createConfigClient } from './client/config-client.ts';
export type { EvaluationCacheOptions } from './client/evaluation-cache.ts';
export {
  type ConfigKey,
  type ConfigValue,
  type FetchConfigValueOptions,
  fetchConfigValue,
} from './client/fetch-config-value.ts';
export type { ConfigHealth } from './client/lifecycle.ts';
export type { RefreshOptions } from './client/refresh.ts';
export type { EvaluateOptions } from './client/remote-evaluation.ts';
export { getSharedConfigClient, type SharedConfigClientOptions } from './client/shared-config-client.ts';
export {
  createSnapshotEventStream,
  type SnapshotEventClient,
  type SnapshotEventStreamOptions,
} from './client/snapshot-event-stream.ts';
export type { CacheRefusal } from './disk-cache/cache-envelope.ts';
export type { CacheEvent, CacheOptions } from './disk-cache/disk-cache.ts';
export type { ClientChange } from './ruleset/ruleset-store.ts';
export type { ValueOrigin } from './ruleset/value-layers.ts';
export {
  type ConfigSettings,
  type EnvironmentVariables,
  readSettings,
  resolveSettings,
  type SettingsOptions,
} from './settings.ts';
export {
  type BakedValues,
  type BundledSealed,
  createBundleKey,
  openBundle,
  readBundleKey,
  sealBundle,
} from './sources/baked-bundle.ts';
export type { BundledInCode, BundledInFiles, BundledOptions } from './sources/bundled-files.ts';
export {
  type BundledValue,
  type BundledValues,
  mergeValues,
  type ResolvedValues,
} from './sources/bundled-values.ts';
export { type Cloud, detectCloud } from './sources/cloud.ts';
export { type ConfigLayersOptions, readConfigLayers } from './sources/config-layers.ts';
export type { EnvironmentOverrideOptions } from './sources/env-overrides.ts';
export { RemoteSource, type RemoteSourceOptions } from './sources/remote-source.ts';
export type { ConnectionStatus, RulesetSink, RulesetSource } from './sources/ruleset-source.ts';
export { type DiscoveryOptions, discoverSettings } from './token/issuer-discovery.ts';
export { getSharedTokenProvider, type SharedTokenProviderOptions } from './token/shared-token-provider.ts';
export type { TokenEvent, TokenFailureSummary, TokenStatus } from './token/token-monitor.ts';
export type {
  GetAccessTokenOptions,
  TokenCredentialsIn,
  TokenProviderOptions,
} from './token/token-options.ts';
export { type AccessTokenSource, TokenProvider } from './token/token-provider.ts';
export {
  createTokenTelemetry,
  type TokenMeter,
  type TokenTelemetryOptions,
  type TokenTracer,
} from './token/token-telemetry.ts';
