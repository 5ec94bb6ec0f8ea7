import type { LimitKey } from '@smooai/config';
import { LimitPipe } from './evaluation.pipe.ts';
import { evaluatedParameter } from './parameter-call.ts';

/**
 * Injects a limit's value for the context of the request into a handler parameter, rounded to its step and clamped.
 *
 * @example
 * @Get('limits') limits(@Limit('cartItems') max: number) {}
 */
export function Limit<Key extends LimitKey>(key: Key): ParameterDecorator {
  return evaluatedParameter(key, LimitPipe);
}
