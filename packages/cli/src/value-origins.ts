import type { JsonValue } from '@smooai/config';
import type { ApiEnvironment, ConfigApi } from '@smooai/config/server';
import type { CatalogKey } from './catalog.ts';
import { fallbackOf } from './environments.ts';
import { sameJson } from './json.ts';
import { readStoredValues, type StoredValues } from './stored-values.ts';

/**
 * Where the value of a key comes from.
 *
 * - `stored`: the environment stores it.
 * - `fallback`: the environment's fallback serves the same value. The API does not say whether the environment also
 *   stores a copy.
 * - `stored-or-fallback`: the client has no access to the fallback, so it cannot be decided.
 * - `default`: the schema's default.
 * - `missing`: the key has no value.
 */
export type ValueOrigin = 'stored' | 'fallback' | 'stored-or-fallback' | 'default' | 'missing';

/** Decides the origin of each value of one environment. */
export interface ValueOrigins {
  /** `fallback` names the environment if that is the origin. */
  of(
    key: Pick<CatalogKey, 'key' | 'tier'>,
    defaultValue: JsonValue | undefined,
  ): { origin: ValueOrigin; fallback?: string };
}

/** Reads the values of the environment's fallback, if it has one, to compare with. */
export async function readValueOrigins(
  api: ConfigApi,
  input: {
    values: StoredValues;
    environment: ApiEnvironment;
    environments: readonly ApiEnvironment[];
    catalog: readonly CatalogKey[];
  },
): Promise<ValueOrigins> {
  const { values, environment, environments, catalog } = input;
  const fallback = fallbackOf(environment, environments);
  const inherited = fallback && (await readStoredValues(api, fallback.name, catalog));
  const isHidden = fallback === undefined && environment.fallbackEnvironmentId !== null;
  return {
    of: (key, defaultValue) => {
      const value = values.get(key);
      if (value === undefined) return { origin: defaultValue === undefined ? 'missing' : 'default' };
      if (isHidden) return { origin: 'stored-or-fallback' };
      if (inherited === undefined || !sameJson(value, inherited.get(key))) return { origin: 'stored' };
      return { origin: 'fallback', fallback: inherited.environment };
    },
  };
}
