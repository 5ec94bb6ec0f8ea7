import type { ApiEnvironment } from '@smooai/config/server';

/** What stands for an environment that the client in use may not see. */
const HIDDEN_ENVIRONMENT = '(not shown to this client)';

/** The names of the environments that one takes its missing values from, in the order in which they are asked. */
export function fallbackNames(
  environment: ApiEnvironment,
  environments: readonly ApiEnvironment[],
): string[] {
  const names: string[] = [];
  let next = environment.fallbackEnvironmentId;
  while (next !== null && names.length < environments.length) {
    const id: string = next;
    const fallback = environments.find((candidate) => candidate.id === id);
    names.push(fallback?.name ?? HIDDEN_ENVIRONMENT);
    next = fallback?.fallbackEnvironmentId ?? null;
  }
  return names;
}
