import { randomUUID } from 'node:crypto';
import { open, realpath, rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type JsonValue, TIERS } from '@smooai/config';
import { readCatalog } from '../catalog.ts';
import { findEnvironment } from '../environments.ts';
import { UsageError } from '../errors.ts';
import { fileProblem } from '../files.ts';
import type { CommandContext } from '../program/command-context.ts';
import { readStoredValues, type StoredValues } from '../stored-values.ts';

export interface PullOptions {
  /** The file to write. Default: standard output. */
  output?: string;
}

/** `pull`: writes the values of an environment as JSON, secrets only with `--show-secrets`. */
export async function runPull(context: CommandContext, options: PullOptions): Promise<void> {
  const { api, settings } = await context.connect();
  const showSecrets = context.options.showSecrets === true;
  const environment = (await findEnvironment(api, settings.environment)).name;
  const values = await readStoredValues(api, environment, await readCatalog(api));
  const pulled = toDocument(values, showSecrets);
  const text = JSON.stringify(pulled, undefined, 2);
  if (options.output === undefined) {
    context.print(text, pulled);
    return;
  }
  const path = resolve(context.io.cwd, options.output);
  // A symbolic link stays; the file that it names is replaced.
  await replaceFile(await realpath(path).catch(() => path), options.output, {
    text: `${text}\n`,
    mode: showSecrets ? 0o600 : 0o644,
  });
  const count = values.entries().filter(({ tier }) => showSecrets || tier !== 'secret').length;
  context.print(`${count} values of "${environment}" → ${options.output}`, {
    environment,
    output: options.output,
    values: count,
  });
}

function toDocument(values: StoredValues, showSecrets: boolean): Record<string, unknown> {
  const document: Record<string, unknown> = { environment: values.environment };
  if (values.revision !== undefined) document.revision = values.revision;
  for (const { tier, group } of TIERS) {
    if (tier === 'secret' && !showSecrets) continue;
    const entries = values.entries().filter((entry) => entry.tier === tier);
    const keys: Record<string, JsonValue> = {};
    for (const { key, value } of entries) keys[key] = value;
    document[group] = keys;
  }
  if (Object.keys(values.segments).length > 0) document.segments = values.segments;
  return document;
}

/**
 * Replaces a file in one step: readers see the old file or the whole new one. The new one has its mode from the start, so
 * that others cannot read a secret for a moment.
 */
async function replaceFile(
  path: string,
  file: string,
  content: { text: string; mode: number },
): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const handle = await open(temporary, 'wx', content.mode);
    try {
      await handle.writeFile(content.text);
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new UsageError(`${file} cannot be written: ${fileProblem(error)}.`);
  }
}
