import { applyDecorators, SetMetadata, UseGuards } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type FlagKey, type FlagValue, OptionsError } from '@smooai/config';
import { FlagGuard, REQUIRED_FLAGS, type RequiredFlag } from './flag.guard.ts';

/** Keys of the flags that are boolean; every flag where no schema is registered. */
export type BooleanFlagKey = {
  [Key in FlagKey]: unknown extends FlagValue<Key> ? Key : FlagValue<Key> extends boolean ? Key : never;
}[FlagKey];

/** Options of {@link RequireFlag}. */
export interface RequireFlagOptions {
  /** HTTP status of the refusal, 400–599; default 404, which hides the route. */
  status?: number;
}

/**
 * Lets a call through only while the flag is `true` for the request's context. On a controller it holds for every
 * handler; several add up. RPC and WebSocket calls are refused by Nest's own "Forbidden resource" exception.
 *
 * @throws {OptionsError} for a status outside 400–599.
 * @example
 * @RequireFlag('newCheckout') @Post('checkout') checkout() {}
 */
export function RequireFlag(
  key: BooleanFlagKey,
  options: RequireFlagOptions = {},
): ClassDecorator & MethodDecorator {
  const { status = 404 } = options;
  if (!Number.isInteger(status) || status < 400 || status > 599) {
    throw new OptionsError(
      'status',
      `@RequireFlag("${key}"): "status" must be an HTTP status from 400 to 599.`,
    );
  }
  return applyDecorators(addRequirement({ key, status }), UseGuards(FlagGuard));
}

const reflector = new Reflector();

function addRequirement(requirement: RequiredFlag): ClassDecorator & MethodDecorator {
  // biome-ignore lint/complexity/noBannedTypes: Nest's type of what metadata is set on
  return (target: Function | object, propertyKey?: string | symbol, descriptor?: PropertyDescriptor) => {
    const holder = descriptor?.value ?? target;
    // A class inherits the requirements of its base class, and one of its own must not hide them.
    const known = reflector.get<RequiredFlag[] | undefined>(REQUIRED_FLAGS, holder) ?? [];
    const decorate = SetMetadata(REQUIRED_FLAGS, [requirement, ...known]);
    applyDecorators(decorate)(target, propertyKey, descriptor);
  };
}
