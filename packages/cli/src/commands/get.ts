import type { ConfigApi } from '@smooai/config/server';
import { findKey, readCatalog } from '../catalog.ts';
import { currentEnvironment } from '../environments.ts';
import { CliError } from '../errors.ts';
import { isRefusal } from '../failure.ts';
import type { CommandContext } from '../program/command-context.ts';
import { defaultOf, readStoredValues } from '../stored-values.ts';
import { valueDisplay } from '../text/value-display.ts';
import { valueText } from '../text/value-text.ts';
import { readValueOrigins } from '../value-origins.ts';

/** `get KEY`: prints the value of one key in an environment, targeting included. */
export async function runGet(context: CommandContext, name: string): Promise<void> {
  const connection = await context.connect();
  const { api } = connection;
  const catalog = await readCatalog(api);
  const key = findKey(catalog, name);
  const environments = await api.listEnvironments();
  const environment = await currentEnvironment(connection, environments);
  const values = await readStoredValues(api, environment.name, catalog);
  const stored = values.get(key);
  const value = stored ?? defaultOf(key);
  if (value === undefined) {
    // A secret's default is not sent to the server.
    const where =
      key.tier === 'secret' ? 'a default in the schema file is not known here' : 'its schema has no default';
    throw new CliError(`${key.fullName} has no value in "${environment.name}", and ${where}.`);
  }
  const display = valueDisplay(key.tier, context.options);
  const shown = display.json(value);
  if (context.options.json === true) {
    const origins = await readValueOrigins(api, { values, environment, environments, catalog });
    const { origin, fallback } = origins.of(key, defaultOf(key));
    const data = { key: key.fullName, environment: environment.name, value: shown, origin };
    const version = stored === undefined ? undefined : await readVersion(api, environment.name, key.key);
    context.print('', {
      ...data,
      ...(fallback !== undefined && { fallback }),
      ...(version !== undefined && { version }),
      ...display.jsonFlags,
    });
    return;
  }
  if (stored === undefined) {
    context.note(`${key.fullName} is not set in "${environment.name}"; this is the schema's default.`);
  }
  if (display.isMasked) context.note('Masked. Use --show-secrets to see it.');
  // A program that reads the output gets text unchanged; a terminal gets control characters escaped.
  const isRaw = typeof shown === 'string' && context.io.stdout.isTTY !== true;
  context.print(isRaw ? shown : valueText(shown), undefined);
}

/** For `--if-version`; undefined if the server has no versions, or the value was deleted since it was read. */
async function readVersion(api: ConfigApi, environment: string, key: string): Promise<string | undefined> {
  try {
    return (await api.getVersionedValue(environment, key)).version;
  } catch (error) {
    if (isRefusal(error, 404)) return undefined;
    throw error;
  }
}
