import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { AnyConfig } from '@smooai/config';
import { createJiti } from 'jiti';
import type { CliIo } from '../cli-io.ts';
import { UsageError } from '../errors.ts';
import { fileProblem } from '../files.ts';
import { isRecord } from '../json.ts';

/** A schema from a file, and its name if none is given. */
export interface LocalSchema {
  config: AnyConfig;
  defaultName: string;
}

/**
 * Loads the schema that a TypeScript or JavaScript module exports: its export `config`, else its only schema.
 *
 * @throws {UsageError} if the file cannot be read or run, or exports no schema, or several without one named `config`.
 */
export async function loadSchema(file: string, io: CliIo): Promise<LocalSchema> {
  const path = resolve(io.cwd, file);
  if (/\.json$/i.test(file)) {
    await checkFile(path, file, 'schema');
    throw new UsageError(
      `${file} is a JSON document, but this command loads a module that exports a schema. To create a schema from a document: smooai-config schema add NAME --file ${file}`,
    );
  }
  const exports = await loadModule(path, file, 'schema');
  return { config: pickSchema(exports, file), defaultName: await packageName(dirname(path)) };
}

/**
 * Returns one export of a TypeScript or JavaScript module; undefined if it has none of that name.
 *
 * @throws {UsageError} if the file cannot be read or run.
 */
export async function loadExport(file: string, name: string, io: CliIo): Promise<unknown> {
  const exports = await loadModule(resolve(io.cwd, file), file, name);
  return isRecord(exports) ? exports[name] : undefined;
}

async function loadModule(path: string, file: string, what: string): Promise<unknown> {
  await checkFile(path, file, what);
  // Without caches: nothing is written to the disk, and a second load sees changes.
  const jiti = createJiti(path, { fsCache: false, moduleCache: false, interopDefault: false });
  try {
    return await jiti.import(path);
  } catch (error) {
    throw new UsageError(`${file} could not be loaded: ${loadProblem(error, path)}`);
  }
}

async function checkFile(path: string, file: string, what: string): Promise<void> {
  let isFile: boolean;
  try {
    isFile = (await stat(path)).isFile();
  } catch (error) {
    throw new UsageError(`The ${what} file ${file} cannot be read: ${fileProblem(error)}.`);
  }
  if (!isFile) throw new UsageError(`${file} is not a file. Pass the module that exports your ${what}.`);
}

function pickSchema(exports: unknown, file: string): AnyConfig {
  const all = isRecord(exports) ? Object.entries(exports) : [];
  const schemas = all.filter((entry): entry is [string, AnyConfig] => isSchema(entry[1]));
  const named = schemas.find(([name]) => name === 'config');
  if (named !== undefined) return named[1];
  const different = new Map(schemas.map(([name, schema]) => [schema, name]));
  const [first] = different.keys();
  if (first !== undefined && different.size === 1) return first;
  if (first === undefined) {
    throw new UsageError(`${file} does not export a schema. Add: export const config = defineConfig({ … })`);
  }
  throw new UsageError(
    `${file} exports several schemas (${[...different.values()].join(', ')}). Rename the one to push to "config".`,
  );
}

/** Checks the shape instead of the class, because the file may use another copy of the package. */
function isSchema(value: unknown): value is AnyConfig {
  if (!isRecord(value) || !(value.keys instanceof Map)) return false;
  return ['public', 'secrets', 'flags', 'limits'].every((tier) => tier in value);
}

/** Returns the name in the nearest package.json, without its scope, or `default` if there is none. */
async function packageName(folder: string): Promise<string> {
  for (let current = folder; ; current = dirname(current)) {
    try {
      const { name } = JSON.parse(await readFile(join(current, 'package.json'), 'utf8')) as {
        name?: unknown;
      };
      if (typeof name === 'string' && name !== '') return basename(name);
    } catch {
      // No readable package.json here: try the folder above.
    }
    if (dirname(current) === current) return 'default';
  }
}

/** The first line of the error, with the place of a syntax error, which the loader puts on the second. */
function loadProblem(error: unknown, path: string): string {
  const message = error instanceof Error ? error.message : String(error);
  const [first = '', second = ''] = message.split('\n').map((line) => line.trim());
  if (/^Cannot find (module|package)/.test(first)) {
    return `${first.replace(/(?<!\.)$/, '.')} Install it, or correct the import.`;
  }
  const place = /:(\d+):(\d+)$/.exec(second.startsWith(path) ? second : '');
  return place === null ? first : `${first}, line ${place[1]}, column ${place[2]}`;
}
