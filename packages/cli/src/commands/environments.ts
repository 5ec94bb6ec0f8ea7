import { fallbackNames, findEnvironment } from '../environments.ts';
import type { CommandContext } from '../program/command-context.ts';
import { table } from '../text/table.ts';
import { valueText } from '../text/value-text.ts';

export interface EnvironmentCreateOptions {
  /** Name of the environment that missing values and segments are inherited from. */
  fallback?: string;
  description?: string;
}

/** `env list`: prints the environments and their fallbacks. */
export async function runEnvironmentList(context: CommandContext): Promise<void> {
  const { api } = await context.connect();
  const environments = await api.listEnvironments();
  const rows = environments.map((environment) => ({
    name: environment.name,
    id: environment.id,
    description: environment.description,
    fallbacks: fallbackNames(environment, environments),
  }));
  const text = table(
    ['ENVIRONMENT', 'FALLS BACK TO', 'DESCRIPTION'],
    rows.map(({ name, fallbacks, description }) => [
      name,
      fallbacks.join(' → ') || '-',
      valueText(description ?? '-').replace(/\s*\n\s*/g, ' '),
    ]),
    context.colors,
  );
  context.print(text, rows);
}

/** `env create NAME`: creates an environment; with `--fallback`, one that inherits missing values from another. */
export async function runEnvironmentCreate(
  context: CommandContext,
  name: string,
  options: EnvironmentCreateOptions,
): Promise<void> {
  const { api } = await context.connect();
  const { fallback, description } = options;
  const parent = fallback === undefined ? undefined : await findEnvironment(api, fallback);
  const environment = await api.createEnvironment({
    name,
    ...(description !== undefined && { description }),
    ...(parent !== undefined && { fallbackEnvironmentId: parent.id }),
  });
  const fallbacks = fallbackNames(environment, await api.listEnvironments());
  const inherited = fallbacks.length === 0 ? '' : `, which inherits from ${fallbacks.join(' → ')}`;
  context.print(context.colors.green(`Created the environment "${environment.name}"${inherited}.`), {
    name: environment.name,
    id: environment.id,
    description: environment.description,
    fallbacks,
  });
}
