import { type JsonValue, TIERS } from '@smooai/config';
import { readCatalog } from '../catalog.ts';
import { currentEnvironment } from '../environments.ts';
import { replaceFile } from '../files.ts';
import type { CommandContext } from '../program/command-context.ts';
import { readStoredValues, type StoredValues } from '../stored-values.ts';

export interface PullOptions {
  /** The file to write. Default: standard output. */
  output?: string;
}

/** `pull`: writes the values of an environment as JSON, secrets only with `--show-secrets`. */
export async function runPull(context: CommandContext, options: PullOptions): Promise<void> {
  const connection = await context.connect();
  const { api } = connection;
  const showSecrets = context.options.showSecrets === true;
  const environment = (await currentEnvironment(connection)).name;
  const values = await readStoredValues(api, environment, await readCatalog(api));
  const pulled = toDocument(values, showSecrets);
  const text = JSON.stringify(pulled, undefined, 2);
  if (options.output === undefined) {
    context.print(text, pulled);
    return;
  }
  await replaceFile(context.io, options.output, {
    content: `${text}\n`,
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
