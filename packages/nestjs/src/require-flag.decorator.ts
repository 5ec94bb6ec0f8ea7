import { applyDecorators, SetMetadata, UseGuards } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type FlagKey, type FlagValue, OptionsError } from '@smooai/config';
import { FlagGuard, REQUIRED_FLAGS, type RequiredFlag } from './flag.guard.ts';

/** The keys of the boolean flags; every key if no schema is registered. */
export type BooleanFlagKey = {
  [Key in FlagKey]: unknown extends FlagValue<Key> ? Key : FlagValue<Key> extends boolean ? Key : never;
}[FlagKey];

export interface RequireFlagOptions {
  /** HTTP status while the flag is off, 400–599. Default 404, which hides the route. */
  status?: number;
}

/**
 * Allows a call only while the flag is `true` for the request's context. On a controller it applies to every handler; with
 * several, all flags must be on. RPC and WebSocket calls are refused with Nest's own "Forbidden resource" exception.
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
    // Adds to the requirements that a class inherits from its base class, instead of replacing them.
    const known = reflector.get<RequiredFlag[] | undefined>(REQUIRED_FLAGS, holder) ?? [];
    const decorate = SetMetadata(REQUIRED_FLAGS, [requirement, ...known]);
    applyDecorators(decorate)(target, propertyKey, descriptor);
  };
}
