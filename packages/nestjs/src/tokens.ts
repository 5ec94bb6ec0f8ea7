// Registered symbols, so that the ESM and the CommonJS build of this package share their providers in one process.

/** Injection token of the default config client; `@InjectConfigClient()` uses it. */
export const CONFIG_CLIENT: unique symbol = Symbol.for('@smooai/config-nestjs:CONFIG_CLIENT');

/** The name of the instance that is registered without one. */
export const DEFAULT_NAME = 'default';

/**
 * Returns the injection token of a config client, such as for `overrideProvider`.
 *
 * @param name - the `name` that the module was registered with.
 */
export function getConfigClientToken(name: string = DEFAULT_NAME): symbol {
  return name === DEFAULT_NAME ? CONFIG_CLIENT : named('CONFIG_CLIENT', name);
}

/** Returns the injection token of the service of a named instance; that of the default one is `SmooConfigService`. */
export function getConfigServiceToken(name: string): symbol {
  return named('SERVICE', name);
}

/** Token of the options that a registration of the module was given. */
export const optionsToken = (name: string): symbol => named('OPTIONS', name);

/** Token of the {@link ConfigInstance} of that name. */
export const instanceToken = (name: string): symbol => named('INSTANCE', name);

/** Token of the instance that a registration of the module provides, whatever its name. */
export const MODULE_INSTANCE: unique symbol = Symbol.for('@smooai/config-nestjs:MODULE_INSTANCE');

/** Token of what identifies one registration of the module. */
export const REGISTRATION: unique symbol = Symbol.for('@smooai/config-nestjs:REGISTRATION');

/** Token of the name of the instance that a testing module has the values for. */
export const TEST_REGISTRATION: unique symbol = Symbol.for('@smooai/config-nestjs:TEST_REGISTRATION');

/** Token of the {@link ApplicationScope}. */
export const SCOPE: unique symbol = Symbol.for('@smooai/config-nestjs:SCOPE');

/** Token of the values that a test gives to an instance. */
export const testValuesToken = (name: string): symbol => named('TEST_VALUES', name);

/** Token of one public value or secret: the value itself, or a reference that follows its changes. */
export function valueToken(name: string, injected: InjectedValue): symbol {
  return named(`${injected.tier}:${injected.key}:${injected.plain ? 'plain' : 'live'}`, name);
}

/** What `@InjectPublic` or `@InjectSecret` asks for. */
export interface InjectedValue {
  tier: 'public' | 'secret';
  key: string;
  /** Whether the value itself is injected, as it is when the application starts. */
  plain: boolean;
}

function named(token: string, name: string): symbol {
  return Symbol.for(`@smooai/config-nestjs:${token}:${name}`);
}
