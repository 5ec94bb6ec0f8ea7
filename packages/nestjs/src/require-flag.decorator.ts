import { applyDecorators, type ExecutionContext, UseGuards } from '@nestjs/common';
import {
  type AnyConfig,
  type FlagKey,
  type FlagValue,
  OptionsError,
  type RegisteredConfig,
} from '@smooai/config';
import type { ConfigReader } from './config-reader.ts';
import { FlagGuard } from './flag.guard.ts';
import { type Requirement, requirements } from './handler-metadata.ts';
import { DEFAULT_NAME } from './tokens.ts';

/** The keys of the boolean flags; every key if no schema is registered. */
export type BooleanFlagKey<Config extends AnyConfig = RegisteredConfig> = {
  [Key in FlagKey<Config>]: unknown extends FlagValue<Key, Config>
    ? Key
    : FlagValue<Key, Config> extends boolean
      ? Key
      : never;
}[FlagKey<Config>];

export interface RequireFlagOptions {
  /** HTTP status of a refusal, 400–599. Default 404, which hides the route. */
  status?: number;
}

/** Decides about a call from flags, limits and public values for its context. */
export type FlagPredicate<Config extends AnyConfig = RegisteredConfig> = (
  config: ConfigReader<Config>,
  executionContext: ExecutionContext,
) => boolean | Promise<boolean>;

/**
 * Allows a call only while a flag is on for its context, or has the value `is`, or while a predicate returns `true`. It
 * decides after all other guards, wherever it is written. On a controller it applies to every handler; with several, all
 * must allow the call. A refusal is the transport's own: an HTTP status, a GraphQL error with a code, or Nest's "Forbidden
 * resource" for messages.
 *
 * @throws {OptionsError} for a status outside 400–599.
 * @example
 * @RequireFlag('newCheckout') @Post('checkout') checkout() {}
 * @example
 * @RequireFlag('theme', { is: 'dark', status: 403 }) @Get('night') night() {}
 * @example
 * @RequireFlag((config) => config.flag('newCheckout') && config.limit('cartItems') > 10) @Get() list() {}
 */
export function RequireFlag(
  key: BooleanFlagKey,
  options?: RequireFlagOptions & { is?: boolean },
): ClassDecorator & MethodDecorator;
export function RequireFlag<Key extends FlagKey>(
  key: Key,
  options: RequireFlagOptions & { is: FlagValue<Key> },
): ClassDecorator & MethodDecorator;
export function RequireFlag(
  predicate: FlagPredicate,
  options?: RequireFlagOptions,
): ClassDecorator & MethodDecorator;
export function RequireFlag(
  required: string | FlagPredicate,
  options: RequireFlagOptions & { is?: unknown } = {},
): ClassDecorator & MethodDecorator {
  return requireFlag(DEFAULT_NAME, required as string | FlagPredicate<AnyConfig>, options);
}

/** {@link RequireFlag} for the instance of that name. */
export function requireFlag(
  name: string,
  required: string | FlagPredicate<AnyConfig>,
  options: RequireFlagOptions & { is?: unknown },
): ClassDecorator & MethodDecorator {
  const { status = 404, is = true } = options;
  const key = typeof required === 'string' ? required : undefined;
  const label = typeof required === 'string' ? `@RequireFlag("${required}")` : '@RequireFlag(predicate)';
  if (!Number.isInteger(status) || status < 400 || status > 599) {
    throw new OptionsError('status', `${label}: "status" must be an HTTP status from 400 to 599.`);
  }
  const isMet: Requirement['isMet'] =
    typeof required === 'string' ? (config) => config.flag(required) === is : required;
  return applyDecorators(addRequirement({ name, key, label, status, isMet }), UseGuards(FlagGuard));
}

function addRequirement(requirement: Requirement): ClassDecorator & MethodDecorator {
  return (target: object, method?: string | symbol, descriptor?: PropertyDescriptor) => {
    if (descriptor === undefined) return requirements.add(target, undefined, requirement);
    requirements.add(descriptor.value, undefined, requirement);
    // Under the name of the method too: a decorator that replaces the function can lose what is kept on it.
    requirements.add(target, method, requirement);
  };
}
