import type { JsonValue } from '@smooai/config';
import type { ApiEnvironment, ConfigApi } from '@smooai/config/server';
import { type CatalogKey, findKey, readCatalog } from '../catalog.ts';
import { confirmLoss } from '../confirm.ts';
import { currentEnvironment, fallbackNames } from '../environments.ts';
import { isRefusal } from '../failure.ts';
import type { CommandContext } from '../program/command-context.ts';
import { defaultOf, readStoredValues, type StoredValues } from '../stored-values.ts';
import { originText, valueDisplay } from '../text/value-display.ts';
import { type ConditionOptions, conditionOf } from '../write-condition.ts';

export interface UnsetOptions extends Pick<ConditionOptions, 'ifVersion'> {
  /** Does not ask before deleting a secret. */
  yes?: boolean;
}

interface Change {
  key: CatalogKey;
  environment: ApiEnvironment;
  before: JsonValue | undefined;
  after: JsonValue | undefined;
  /** Where `after` comes from. */
  origin: 'fallback' | 'default' | 'missing';
  /** The fallback that `after` comes from. */
  fallback: string | undefined;
  changed: boolean;
}

/** `unset KEY`: deletes an environment's own value of a key and prints the value that is served instead. */
export async function runUnset(context: CommandContext, name: string, options: UnsetOptions): Promise<void> {
  const connection = await context.connect();
  const { api } = connection;
  const catalog = await readCatalog(api);
  const key = findKey(catalog, name);
  const environments = await api.listEnvironments();
  const environment = await currentEnvironment(connection, environments);
  const read = (): Promise<StoredValues> => readStoredValues(api, environment.name, catalog);
  const values = await read();
  const stored = values.get(key);
  const { ifVersion } = conditionOf(
    { ...(options.ifVersion !== undefined && { ifVersion: options.ifVersion }) },
    values,
  );
  const changed = await deleteOwnValue(api, { key, environment: environment.name, ifVersion }, () =>
    confirmLoss(context.io, {
      yes: options.yes,
      question: `Delete ${key.fullName} in "${environment.name}"? A deleted secret cannot be read again. Continue`,
      consequence: `${key.fullName} is a secret, which cannot be read again once it is deleted.`,
    }),
  );
  const inherited = changed ? (await read()).get(key) : stored;
  const defaultValue = defaultOf(key);
  const origin = inherited !== undefined ? 'fallback' : defaultValue !== undefined ? 'default' : 'missing';
  const [fallback] = origin === 'fallback' ? fallbackNames(environment, environments) : [];
  const [before, after] = [stored ?? defaultValue, inherited ?? defaultValue];
  report(context, { key, environment, before, after, origin, fallback, changed });
}

/** Returns false if the environment has no value of its own. The server deletes a secret only with `force`. */
async function deleteOwnValue(
  api: ConfigApi,
  { key, environment, ifVersion }: { key: CatalogKey; environment: string; ifVersion: string | undefined },
  confirm: () => Promise<void>,
): Promise<boolean> {
  const attempt = async (force: boolean): Promise<boolean> => {
    try {
      await api.deleteValue(environment, key.key, { force, ifVersion });
      return true;
    } catch (error) {
      if (isRefusal(error, 404)) return false;
      throw error;
    }
  };
  try {
    return await attempt(false);
  } catch (error) {
    if (key.tier !== 'secret' || !isRefusal(error, 409)) throw error;
  }
  await confirm();
  return attempt(true);
}

function report(context: CommandContext, change: Change): void {
  const { key, environment, before, after, origin, fallback, changed } = change;
  const { colors, options } = context;
  const display = valueDisplay(key.tier, options);
  const title = `${colors.bold(key.fullName)} ${colors.dim(`(${environment.name})`)}`;
  const served = `${colors.green(display.text(after, 'no value'))}${originText(origin, fallback)}`;
  const line = changed
    ? `${title}: ${colors.dim(display.text(before, 'no value'))} → ${served}`
    : `${title}: not set here, so nothing was deleted. Current value: ${served}`;
  if (changed && origin === 'missing' && options.json !== true) {
    context.note(
      `warning: ${key.fullName} no longer has a value in "${environment.name}", and its schema has no default.`,
    );
  }
  context.print(line, {
    key: key.fullName,
    environment: environment.name,
    before: display.json(before),
    after: display.json(after),
    origin,
    ...(fallback !== undefined && { fallback }),
    changed,
    ...display.jsonFlags,
  });
}
