import type { FlagKey } from '@smooai/config';
import { FlagPipe } from './evaluation.pipe.ts';
import { evaluatedParameter } from './parameter-call.ts';

/**
 * Injects a flag's value for the context of the request into a handler parameter. It never throws: without a stored
 * value, the parameter is the schema's default.
 *
 * @example
 * @Get() list(@Flag('theme') theme: 'light' | 'dark') {}
 */
export function Flag<Key extends FlagKey>(key: Key): ParameterDecorator {
  return evaluatedParameter(key, FlagPipe);
}
