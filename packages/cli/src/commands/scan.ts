import { resolve } from 'node:path';
import {
  type AllowedLeak,
  findSecretValues,
  formatLeaks,
  type LeakScanResult,
  scanForSecrets,
} from '@smooai/config/leak-scan';
import { readBundleKey } from '@smooai/config/server';
import { EXIT, UsageError } from '../errors.ts';
import type { CommandContext } from '../program/command-context.ts';
import { loadExport, loadSchema } from '../schema/load-schema.ts';
import { count } from '../text/count.ts';

export interface ScanOptions {
  /** The module of the schema. */
  schema: string;
  /** Folder of `.env` files. */
  envFolder: string;
  /** A baked bundle, whose values are looked for too. */
  bundle?: string;
  /** A module that exports `allow`. */
  allow?: string;
  /** Whether names of secrets are leaks too. */
  names: boolean;
}

/** `scan`: looks for the schema's secrets in the output of a build. Returns 1 if there are any. */
export async function runScan(
  context: CommandContext,
  paths: string[],
  options: ScanOptions,
): Promise<number> {
  const { io, colors } = context;
  const { config } = await loadSchema(options.schema, io);
  const allow = options.allow === undefined ? [] : await loadAllowances(context, options.allow);
  const envFolder = resolve(io.cwd, options.envFolder);
  const bundle =
    options.bundle === undefined
      ? undefined
      : { bundle: resolve(io.cwd, options.bundle), key: await readBundleKey(io.env) };
  const values = await findSecretValues(config, { env: io.env, envFolder, bundle });
  const names = [...config.keys.values()].filter(({ tier }) => tier === 'secret').map(({ key }) => key);
  const known = new Set(values.map(({ key }) => key));
  const result = await scanForSecrets({
    config,
    values,
    allow,
    names: options.names,
    cwd: io.cwd,
    paths: paths.map((path) => resolve(io.cwd, path)),
  });
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length > 0) {
    context.note(colors.yellow(`Only the names of these secrets were looked for: ${unknown.join(', ')}.`));
    context.note('To look for their values, set their variables, or pass --env-folder or --bundle.');
  }
  for (const { key } of result.unusedAllowances) {
    context.note(
      colors.yellow(`${options.allow}: the entry for "${key}" allows nothing, and can be deleted.`),
    );
  }
  context.print(textOf(result, context), { ...result, withoutValue: unknown });
  return result.leaks.length > 0 ? EXIT.failure : EXIT.ok;
}

function textOf({ leaks, files, bytes }: LeakScanResult, { io, colors }: CommandContext): string {
  const searched = `${count(files, 'file')}, ${(bytes / 1e6).toFixed(1)} MB`;
  if (leaks.length === 0) return colors.green(`No secret in ${searched}.`);
  return [formatLeaks(leaks, io.cwd), colors.red(`${count(leaks.length, 'leak')} in ${searched}.`)].join(
    '\n',
  );
}

async function loadAllowances({ io }: CommandContext, file: string): Promise<AllowedLeak[]> {
  const allow = await loadExport(file, 'allow', io);
  if (Array.isArray(allow)) return allow as AllowedLeak[];
  throw new UsageError(
    `${file} does not export a list "allow". Add: export const allow = [{ key: '…', file: '…', reason: '…' }]`,
  );
}
