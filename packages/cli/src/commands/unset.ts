import type { JsonValue } from '@smooai/config';
import type { ApiEnvironment, ConfigApi } from '@smooai/config/server';
import { type CatalogKey, findEnvironment, findKey, readCatalog } from '../catalog.ts';
import type { CommandContext } from '../command-context.ts';
import { confirmLoss } from '../confirm.ts';
import { fallbackNames } from '../environment-fallbacks.ts';
import { isRefusal } from '../failure.ts';
import { MASK, shortText } from '../format.ts';
import { defaultOf, readStoredValues } from '../stored-values.ts';

/** How an `unset` is done. */
export interface UnsetOptions {
  /** Asks nothing, also for a secret. */
  yes?: boolean;
}

interface Change {
  key: CatalogKey;
  environment: ApiEnvironment;
  before: JsonValue | undefined;
  after: JsonValue | undefined;
  /** Where `after` comes from. */
  source: 'fallback' | 'default' | 'missing';
  changed: boolean;
}

/** `unset KEY`: deletes an environment's own value of a key, and shows what is served instead. */
export async function runUnset(context: CommandContext, name: string, options: UnsetOptions): Promise<void> {
  const { api, settings } = await context.connect();
  const catalog = await readCatalog(api);
  const key = findKey(catalog, name);
  const environment = await findEnvironment(api, settings.environment);
  const read = async (): Promise<JsonValue | undefined> =>
    (await readStoredValues(api, environment.name, catalog)).get(key);
  const stored = await read();
  const changed = await deleteOwnValue(api, { key, environment: environment.name }, () =>
    confirmLoss(context, {
      yes: options.yes,
      question: `Delete ${key.fullName} of "${environment.name}", which cannot be read again`,
      what: `${key.fullName} is a secret, and cannot be read again once it is deleted`,
    }),
  );
  const inherited = changed ? await read() : stored;
  const fallback = defaultOf(key);
  const source = inherited !== undefined ? 'fallback' : fallback !== undefined ? 'default' : 'missing';
  const after = inherited ?? fallback;
  await report(context, api, { key, environment, before: stored ?? fallback, after, source, changed });
}

/** Answers false where the environment has no value of its own. The server refuses to delete a secret at once. */
async function deleteOwnValue(
  api: ConfigApi,
  { key, environment }: { key: CatalogKey; environment: string },
  confirm: () => Promise<void>,
): Promise<boolean> {
  const attempt = async (force: boolean): Promise<boolean> => {
    try {
      await api.deleteValue(environment, key.key, { force });
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

async function report(context: CommandContext, api: ConfigApi, change: Change): Promise<void> {
  const { key, environment, before, after, source, changed } = change;
  const { colors, options } = context;
  const isMasked = key.tier === 'secret' && options.showSecrets !== true;
  const show = (value: JsonValue | undefined): string =>
    value === undefined ? 'no value' : shortText(value, key.tier, options.showSecrets === true);
  const fallback =
    source === 'fallback' ? fallbackNames(environment, await api.listEnvironments())[0] : undefined;
  const origin =
    fallback !== undefined ? ` (of its fallback "${fallback}")` : source === 'default' ? ' (default)' : '';
  const title = `${colors.bold(key.fullName)} ${colors.dim(`(${environment.name})`)}`;
  const served = `${colors.green(show(after))}${origin}`;
  const line = changed
    ? `${title}: ${colors.dim(show(before))} → ${served}`
    : `${title}: not set here, so nothing was deleted; served: ${served}`;
  if (changed && source === 'missing' && options.json !== true) {
    context.note(
      `warning: ${key.fullName} has no value in "${environment.name}" any more, and its schema has no default.`,
    );
  }
  const mask = (value: JsonValue | undefined): JsonValue =>
    value === undefined ? null : isMasked ? MASK : value;
  context.print(line, {
    key: key.fullName,
    environment: environment.name,
    before: mask(before),
    after: mask(after),
    source,
    ...(fallback !== undefined && { fallback }),
    changed,
    ...(isMasked && { masked: true }),
  });
}
