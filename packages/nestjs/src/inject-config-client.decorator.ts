import { Inject } from '@nestjs/common';
import { CONFIG_CLIENT } from './tokens.ts';

/**
 * Injects the module's config client, ready to be read.
 *
 * @example
 * constructor(@InjectConfigClient() private readonly config: ConfigClient) {}
 */
export function InjectConfigClient(): PropertyDecorator & ParameterDecorator {
  return Inject(CONFIG_CLIENT);
}
