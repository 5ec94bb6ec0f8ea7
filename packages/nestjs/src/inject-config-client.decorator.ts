import { Inject } from '@nestjs/common';
import { CONFIG_CLIENT } from './tokens.ts';

/**
 * Injects the module's config client. Its values have already been loaded.
 *
 * @example
 * constructor(@InjectConfigClient() private readonly config: ConfigClient) {}
 */
export function InjectConfigClient(): PropertyDecorator & ParameterDecorator {
  return Inject(CONFIG_CLIENT);
}
