import type { ApiEnvironment, ConfigApi } from '@smooai/config/server';
import type { Connection } from './connection.ts';
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

/** The environment that the settings name, from a list or from the server. @throws as {@link findEnvironment} does. */
export async function currentEnvironment(
  { api, settings }: Connection,
  environments?: readonly ApiEnvironment[],
): Promise<ApiEnvironment> {
  const all = environments ?? (await api.listEnvironments());
  try {
    return pickEnvironment(all, settings.environment);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${error.message} Choose one with --env or SMOOAI_CONFIG_ENV.`);
  }
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
