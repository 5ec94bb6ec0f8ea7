export { ConfigModule } from './config.module.ts';
export type {
  ConfigModuleAsyncOptions,
  ConfigModuleClient,
  ConfigModuleClientSettings,
  ConfigModuleOptions,
  ConfigModuleRegistration,
  ConfigOptionsFactory,
} from './config-module-options.ts';
export type { ContextFactory } from './context-resolver.ts';
export { Flag } from './flag.decorator.ts';
export { FlagGuard } from './flag.guard.ts';
export { InjectConfigClient } from './inject-config-client.decorator.ts';
export { Limit } from './limit.decorator.ts';
export { type BooleanFlagKey, RequireFlag, type RequireFlagOptions } from './require-flag.decorator.ts';
export { CONFIG_CLIENT } from './tokens.ts';
