import type { ApiEnvironment, ConfigApi } from '@smooai/config/server';
import { UsageError } from './errors.ts';
import { didYouMean } from './text/did-you-mean.ts';

/** Stands for a fallback that the client in use has no access to. */
const HIDDEN_ENVIRONMENT = '(not shown to this client)';

/**
 * Returns the environment with this name.
 *
 * @throws {UsageError} with the names that exist.
 */
export async function findEnvironment(api: ConfigApi, name: string): Promise<ApiEnvironment> {
  return pickEnvironment(await api.listEnvironments(), name);
}

/** Like {@link findEnvironment}, from a list. */
export function pickEnvironment(environments: readonly ApiEnvironment[], name: string): ApiEnvironment {
  const match = environments.find((environment) => environment.name === name);
  if (match !== undefined) return match;
  const names = environments.map((environment) => environment.name);
  throw new UsageError(
    `Unknown environment "${name}".${didYouMean(name, names)} Environments: ${names.join(', ') || 'none'}.`,
  );
}

/** The fallback of an environment; undefined if it has none, or one that the client in use has no access to. */
export function fallbackOf(
  environment: ApiEnvironment,
  environments: readonly ApiEnvironment[],
): ApiEnvironment | undefined {
  return environments.find(({ id }) => id === environment.fallbackEnvironmentId);
}

/** Returns the names of an environment's fallbacks, in the order in which they are searched for a value. */
export function fallbackNames(
  environment: ApiEnvironment,
  environments: readonly ApiEnvironment[],
): string[] {
  const names: string[] = [];
  let current: ApiEnvironment | undefined = environment;
  while (current !== undefined && current.fallbackEnvironmentId !== null) {
    if (names.length === environments.length) break;
    current = fallbackOf(current, environments);
    names.push(current?.name ?? HIDDEN_ENVIRONMENT);
  }
  return names;
}
