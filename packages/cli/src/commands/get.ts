import { findEnvironment, findKey, readCatalog } from '../catalog.ts';
import type { CommandContext } from '../command-context.ts';
import { CliError } from '../errors.ts';
import { MASK, valueText } from '../format.ts';
import { defaultOf, readStoredValues } from '../stored-values.ts';

/** `get KEY`: the value of one key in an environment, targeting as it is stored. */
export async function runGet(context: CommandContext, name: string): Promise<void> {
  const { api, settings } = await context.connect();
  const catalog = await readCatalog(api);
  const key = findKey(catalog, name);
  const environment = (await findEnvironment(api, settings.environment)).name;
  const stored = (await readStoredValues(api, environment, catalog)).get(key);
  const value = stored ?? defaultOf(key);
  if (value === undefined) {
    throw new CliError(
      `${key.fullName} has no value in "${environment}", and its schema has no default for it.`,
    );
  }
  const source = stored === undefined ? 'default' : 'stored';
  const isMasked = key.tier === 'secret' && context.options.showSecrets !== true;
  const shown = isMasked ? MASK : value;
  if (source === 'default' && context.options.json !== true) {
    context.note(`${key.fullName} is not set in "${environment}"; this is the schema's default.`);
  }
  if (isMasked && context.options.json !== true) context.note('Masked; give --show-secrets to see it.');
  // A program that reads it gets text as it is; a terminal is spared control characters.
  const raw = typeof shown === 'string' && context.io.stdout.isTTY !== true;
  context.print(raw ? shown : valueText(shown), {
    key: key.fullName,
    environment,
    value: shown,
    source,
    ...(isMasked && { masked: true }),
  });
}
