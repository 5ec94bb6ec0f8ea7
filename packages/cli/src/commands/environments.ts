import { findEnvironment } from '../catalog.ts';
import type { CommandContext } from '../command-context.ts';
import { fallbackNames } from '../environment-fallbacks.ts';
import { table, valueText } from '../format.ts';

/** What `env create` takes beside the name. */
export interface EnvironmentCreateOptions {
  /** Name of the environment that lends its values and segments. */
  fallback?: string;
  description?: string;
}

/** `env list`: the environments and what each falls back to. */
export async function runEnvironmentList(context: CommandContext): Promise<void> {
  const { api } = await context.connect();
  const environments = await api.listEnvironments();
  const rows = environments.map((environment) => ({
    name: environment.name,
    id: environment.id,
    description: environment.description,
    fallbacks: fallbackNames(environment, environments),
  }));
  const lines = table([
    ['ENVIRONMENT', 'FALLS BACK TO', 'DESCRIPTION'],
    ...rows.map(({ name, fallbacks, description }) => [
      name,
      fallbacks.join(' → ') || '-',
      valueText(description ?? '-').replace(/\s*\n\s*/g, ' '),
    ]),
  ]);
  const [head = '', ...body] = lines.split('\n');
  context.print([context.colors.dim(head), ...body].join('\n'), rows);
}

/** `env create NAME`: makes an environment, with `--fallback` one that takes what it lacks from another. */
export async function runEnvironmentCreate(
  context: CommandContext,
  name: string,
  options: EnvironmentCreateOptions,
): Promise<void> {
  const { api } = await context.connect();
  const { fallback, description } = options;
  const lender = fallback === undefined ? undefined : await findEnvironment(api, fallback);
  const environment = await api.createEnvironment({
    name,
    ...(description !== undefined && { description }),
    ...(lender !== undefined && { fallbackEnvironmentId: lender.id }),
  });
  const fallbacks = fallbackNames(environment, await api.listEnvironments());
  const from = fallbacks.length === 0 ? '' : `; what it lacks comes from ${fallbacks.join(' → ')}`;
  context.print(context.colors.green(`Made the environment "${environment.name}"${from}.`), {
    name: environment.name,
    id: environment.id,
    description: environment.description,
    fallbacks,
  });
}
