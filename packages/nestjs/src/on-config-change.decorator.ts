import {
  type AnyConfig,
  type FlagKey,
  type LimitKey,
  OptionsError,
  type PublicKey,
  type RegisteredConfig,
  type SecretKey,
} from '@smooai/config';
import { listeners } from './handler-metadata.ts';
import { DEFAULT_NAME } from './tokens.ts';

/** A key with its group, such as `flags.newCheckout`. */
export type ConfigPath<Config extends AnyConfig = RegisteredConfig> =
  | `public.${PublicKey<Config>}`
  | `secrets.${SecretKey<Config>}`
  | `flags.${FlagKey<Config>}`
  | `limits.${LimitKey<Config>}`;

/**
 * Calls a method of a provider or controller after each change of these keys, with the paths that changed. Errors are
 * logged, without their message for a secret. It is not called for the values at the start.
 *
 * @example
 * @OnConfigChange('flags.newCheckout', 'limits.cartItems') refresh(changed: ConfigPath[]) {}
 */
export function OnConfigChange(...paths: [ConfigPath, ...ConfigPath[]]): MethodDecorator {
  return onConfigChange(DEFAULT_NAME, paths);
}

export function onConfigChange(name: string, paths: readonly string[]): MethodDecorator {
  return (target, method) => {
    if (typeof target === 'function') {
      throw new OptionsError(
        'decorators',
        `@OnConfigChange is on the static method ${target.name}.${String(method)}. Write it on a method of the instance.`,
      );
    }
    listeners.add(target, method, { name, paths });
  };
}
