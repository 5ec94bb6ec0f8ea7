export { runWithContext } from './config-call.ts';
export { type ConfigDecorators, configDecorators } from './config-decorators.ts';
export type { ContextFactory } from './config-instance.ts';
export { configLoader } from './config-loader.ts';
export type { ConfigReader, FlagDetailsValue } from './config-reader.ts';
export { FlagGuard } from './flag.guard.ts';
export { type ConfigHealthResult, SmooConfigHealthIndicator } from './health-indicator.ts';
export {
  InjectConfigClient,
  InjectConfigService,
  InjectPublic,
  InjectSecret,
  type InjectValueOptions,
} from './inject.decorators.ts';
export { LiveValue } from './live-value.ts';
export { type ConfigPath, OnConfigChange } from './on-config-change.decorator.ts';
export { Flag, FlagDetails, Limit, Public } from './parameters.ts';
export { type CallRequest, requestOf } from './request-of.ts';
export {
  type BooleanFlagKey,
  type FlagPredicate,
  RequireFlag,
  type RequireFlagOptions,
} from './require-flag.decorator.ts';
export { SmooConfigModule } from './smoo-config.module.ts';
export { SmooConfigService } from './smoo-config.service.ts';
export type {
  SmooConfigAsyncOptions,
  SmooConfigClient,
  SmooConfigClientSettings,
  SmooConfigOptions,
  SmooConfigOptionsFactory,
  SmooConfigRegistration,
} from './smoo-config-options.ts';
export { CONFIG_CLIENT, getConfigClientToken, getConfigServiceToken } from './tokens.ts';
export { Rebuilt, type WhenChangedOptions, whenChanged } from './when-changed.ts';
export { WithConfigContext } from './with-config-context.decorator.ts';
