import type {
  AnyConfig,
  FlagKey,
  FlagValue,
  LimitKey,
  PublicKey,
  RegisteredConfig,
  SecretKey,
} from '@smooai/config';
import { type InjectValueOptions, injectValue } from './inject.decorators.ts';
import { type ConfigPath, onConfigChange } from './on-config-change.decorator.ts';
import { flagDetailsParameter, flagParameter, limitParameter, publicParameter } from './parameters.ts';
import {
  type BooleanFlagKey,
  type FlagPredicate,
  type RequireFlagOptions,
  requireFlag,
} from './require-flag.decorator.ts';

type Injector = PropertyDecorator & ParameterDecorator;
type Requirer = ClassDecorator & MethodDecorator;

/** The decorators of this package for one named instance, typed by its schema. */
export interface ConfigDecorators<Config extends AnyConfig = RegisteredConfig> {
  Flag<Key extends FlagKey<Config>>(key: Key): ParameterDecorator;
  FlagDetails<Key extends FlagKey<Config>>(key: Key): ParameterDecorator;
  Limit<Key extends LimitKey<Config>>(key: Key): ParameterDecorator;
  Public<Key extends PublicKey<Config>>(key: Key): ParameterDecorator;
  InjectPublic<Key extends PublicKey<Config>>(key: Key, options?: InjectValueOptions): Injector;
  InjectSecret<Key extends SecretKey<Config>>(key: Key, options?: InjectValueOptions): Injector;
  OnConfigChange(...paths: [ConfigPath<Config>, ...ConfigPath<Config>[]]): MethodDecorator;
  RequireFlag(key: BooleanFlagKey<Config>, options?: RequireFlagOptions & { is?: boolean }): Requirer;
  RequireFlag<Key extends FlagKey<Config>>(
    key: Key,
    options: RequireFlagOptions & { is: FlagValue<Key, Config> },
  ): Requirer;
  RequireFlag(predicate: FlagPredicate<Config>, options?: RequireFlagOptions): Requirer;
}

/**
 * Returns the decorators for a named instance.
 *
 * @example
 * export const billing = configDecorators<typeof billingConfig>('billing');
 * // @billing.RequireFlag('invoices') @Get() list(@billing.Limit('pageSize') size: number) {}
 */
export function configDecorators<Config extends AnyConfig>(name: string): ConfigDecorators<Config> {
  return {
    Flag: (key) => flagParameter(name, key),
    FlagDetails: (key) => flagDetailsParameter(name, key),
    Limit: (key) => limitParameter(name, key),
    Public: (key) => publicParameter(name, key),
    InjectPublic: (key, options) =>
      injectValue(name, { tier: 'public', key, plain: options?.plain === true }),
    InjectSecret: (key, options) =>
      injectValue(name, { tier: 'secret', key, plain: options?.plain === true }),
    OnConfigChange: (...paths) => onConfigChange(name, paths),
    RequireFlag: (
      required: string | FlagPredicate<Config>,
      options: RequireFlagOptions & { is?: unknown } = {},
    ) => requireFlag(name, required as string | FlagPredicate<AnyConfig>, options),
  };
}
