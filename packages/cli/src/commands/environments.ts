import { confirmLoss } from '../confirm.ts';
import { fallbackNames, findEnvironment } from '../environments.ts';
import { UsageError } from '../errors.ts';
import type { CommandContext } from '../program/command-context.ts';
import { table } from '../text/table.ts';
import { valueText } from '../text/value-text.ts';

export interface EnvironmentCreateOptions {
  /** Name of the environment that missing values and segments are inherited from. */
  fallback?: string;
  description?: string;
}

export interface EnvironmentUpdateOptions {
  name?: string;
  /** Name of the environment to inherit from, or false to inherit from none (`--no-fallback`). */
  fallback?: string | false;
  description?: string;
}

export interface EnvironmentDeleteOptions {
  /** Does not ask. */
  yes?: boolean;
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

/** `env update NAME`: changes an environment's name, fallback or description. */
export async function runEnvironmentUpdate(
  context: CommandContext,
  name: string,
  options: EnvironmentUpdateOptions,
): Promise<void> {
  const { fallback, description } = options;
  if (options.name === undefined && fallback === undefined && description === undefined) {
    throw new UsageError('Nothing to change. Pass --name, --fallback, --no-fallback or --description.');
  }
  const { api } = await context.connect();
  const environment = await findEnvironment(api, name);
  const parent = typeof fallback === 'string' ? await findEnvironment(api, fallback) : undefined;
  const updated = await api.updateEnvironment(environment.id, {
    ...(options.name !== undefined && { name: options.name }),
    ...(description !== undefined && { description: description === '' ? null : description }),
    ...(fallback !== undefined && { fallbackEnvironmentId: parent?.id ?? null }),
  });
  const fallbacks = fallbackNames(updated, await api.listEnvironments());
  const inherits = fallbacks.length === 0 ? 'no fallback' : `fallback ${fallbacks.join(' → ')}`;
  const renamed = updated.name === name ? '' : ` (was "${name}")`;
  context.print(context.colors.green(`Updated the environment "${updated.name}"${renamed}: ${inherits}.`), {
    name: updated.name,
    id: updated.id,
    description: updated.description,
    fallbacks,
  });
}

/** `env delete NAME`: deletes an environment with its values. */
export async function runEnvironmentDelete(
  context: CommandContext,
  name: string,
  options: EnvironmentDeleteOptions,
): Promise<void> {
  const { api } = await context.connect();
  const environment = await findEnvironment(api, name);
  await confirmLoss(context.io, {
    yes: options.yes,
    question: `Delete the environment "${name}" with all its values and segments? This cannot be undone. Continue`,
    consequence: `The environment "${name}" would be deleted with all its values and segments. This cannot be undone.`,
  });
  await api.deleteEnvironment(environment.id);
  context.print(context.colors.green(`Deleted the environment "${name}".`), { name, id: environment.id });
}
