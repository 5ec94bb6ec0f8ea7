import { UnknownKeyError } from '../errors.ts';
import type { AnyConfig, KeyDefinition } from '../schema/config-types.ts';
import { tierNames } from '../tiers.ts';
import type { Tier } from '../wire.ts';

/**
 * The schema's definition of a key.
 * @throws {UnknownKeyError} if the schema does not declare the key in that tier.
 */
export function declaredKey(config: Pick<AnyConfig, 'keys'>, tier: Tier, key: string): KeyDefinition {
  const definition = config.keys.get(key);
  if (definition?.tier === tier) return definition;
  const { label, group } = tierNames(tier);
  throw new UnknownKeyError(
    key,
    `"${key}" is not a ${label} in the schema. Declare it under "${group}", or check its name.`,
  );
}
