import type { JsonValue, Tier } from '@smooai/config';
import { createBundleKey, readBundleKey, sealBundle } from '@smooai/config/server';
import { readCatalog } from '../catalog.ts';
import { currentEnvironment } from '../environments.ts';
import { CliError } from '../errors.ts';
import { replaceFile } from '../files.ts';
import type { CommandContext } from '../program/command-context.ts';
import { readStoredValues, type StoredValues } from '../stored-values.ts';
import { count } from '../text/count.ts';

export interface BuildOptions {
  /** The file to write. */
  out: string;
}

/** `build`: writes the public values and secrets of an environment into one encrypted file. */
export async function runBuild(context: CommandContext, { out }: BuildOptions): Promise<void> {
  const { io, colors } = context;
  const givenKey = await readBundleKey(io.env);
  const connection = await context.connect();
  const { api } = connection;
  const environment = (await currentEnvironment(connection)).name;
  const stored = await readStoredValues(api, environment, await readCatalog(api));
  const values = { public: valuesOf(stored, 'public'), secret: valuesOf(stored, 'secret') };
  const counts = { public: Object.keys(values.public).length, secret: Object.keys(values.secret).length };
  if (counts.public + counts.secret === 0) {
    throw new CliError(
      `"${environment}" stores no public values and no secrets that this client may read, so there is nothing to build. Defaults come from the schema; store other values with "smooai-config set".`,
    );
  }
  const key = givenKey ?? createBundleKey();
  await replaceFile(io, out, { content: await sealBundle(values, key), mode: 0o600 });
  context.note(
    colors.green(`${count(counts.public, 'public value')} and ${count(counts.secret, 'secret')} → ${out}`),
  );
  const data = { environment, out, ...counts };
  if (givenKey !== undefined) {
    context.print('', { ...data, key: null });
    return;
  }
  context.note('The key is shown only once. Keep it apart from the bundle, such as in a secret store.');
  context.print(`SMOO_CONFIG_KEY=${key}`, { ...data, key });
}

/** Flags and limits are not baked: their rules must stay changeable. */
function valuesOf(stored: StoredValues, tier: Tier): Record<string, JsonValue> {
  const entries = stored.entries().filter((entry) => entry.tier === tier);
  return Object.fromEntries(entries.map(({ key, value }) => [key, value]));
}
