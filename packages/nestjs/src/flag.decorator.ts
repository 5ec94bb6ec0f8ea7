import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FlagKey, LimitKey } from '@smooai/config';
import { FlagPipe, LimitPipe, ParameterCall } from './evaluation.pipe.ts';

const parameter = createParamDecorator(
  (_key: string, executionContext: ExecutionContext) => new ParameterCall(executionContext),
);

/**
 * A handler's parameter that holds the flag as it evaluates for the request's context. It never fails: without a
 * stored value it is the schema's default.
 *
 * @example
 * @Get() list(@Flag('theme') theme: 'light' | 'dark') {}
 */
export function Flag<Key extends FlagKey>(key: Key): ParameterDecorator {
  return parameter(key, FlagPipe);
}

/**
 * A handler's parameter that holds the limit as it evaluates for the request's context, snapped and clamped.
 *
 * @example
 * @Get('limits') limits(@Limit('cartItems') max: number) {}
 */
export function Limit<Key extends LimitKey>(key: Key): ParameterDecorator {
  return parameter(key, LimitPipe);
}
