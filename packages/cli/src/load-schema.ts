import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { AnyConfig } from '@smooai/config';
import { createJiti } from 'jiti';
import type { CliIo } from './cli-io.ts';
import { fileProblem } from './connection.ts';
import { UsageError } from './errors.ts';

/** A schema from a file, and the name it goes by when none is given. */
export interface LocalSchema {
  config: AnyConfig;
  defaultName: string;
}

/**
 * The schema that a TypeScript or JavaScript module exports: its export `config`, else its only schema.
 *
 * @throws {UsageError} where the file cannot be read or run, or exports no schema or several.
 */
export async function loadSchema(file: string, io: CliIo): Promise<LocalSchema> {
  const path = resolve(io.cwd, file);
  await checkFile(path, file);
  // No cache: nothing is left behind on the disk, and a second load sees what has changed.
  const jiti = createJiti(path, { fsCache: false, moduleCache: false, interopDefault: false });
  let exports: unknown;
  try {
    exports = await jiti.import(path);
  } catch (error) {
    throw new UsageError(`${file} could not be loaded: ${firstLine(error)}`);
  }
  return { config: pickSchema(exports, file), defaultName: await packageName(dirname(path)) };
}

async function checkFile(path: string, file: string): Promise<void> {
  let isFile: boolean;
  try {
    isFile = (await stat(path)).isFile();
  } catch (error) {
    throw new UsageError(`The schema file ${file} cannot be read: ${fileProblem(error)}.`);
  }
  if (!isFile) throw new UsageError(`${file} is not a file. Give the module that exports your schema.`);
}

function pickSchema(exports: unknown, file: string): AnyConfig {
  const all = typeof exports === 'object' && exports !== null ? Object.entries(exports) : [];
  const schemas = all.filter((entry): entry is [string, AnyConfig] => isSchema(entry[1]));
  const named = schemas.find(([name]) => name === 'config');
  if (named !== undefined) return named[1];
  const different = new Map(schemas.map(([name, schema]) => [schema, name]));
  const [first] = different.keys();
  if (first !== undefined && different.size === 1) return first;
  if (first === undefined) {
    throw new UsageError(`${file} exports no schema. Write: export const config = defineConfig({ … })`);
  }
  throw new UsageError(
    `${file} exports several schemas (${[...different.values()].join(', ')}). Name the one that is meant "config".`,
  );
}

/** By its shape and not its class: the file may use another copy of the package. */
function isSchema(value: unknown): value is AnyConfig {
  if (typeof value !== 'object' || value === null || !('keys' in value) || !(value.keys instanceof Map))
    return false;
  return ['public', 'secrets', 'flags', 'limits'].every((tier) => tier in value);
}

/** The name in the nearest package.json, without its scope; `default` where there is none. */
async function packageName(folder: string): Promise<string> {
  for (let current = folder; ; current = dirname(current)) {
    try {
      const { name } = JSON.parse(await readFile(join(current, 'package.json'), 'utf8')) as {
        name?: unknown;
      };
      if (typeof name === 'string' && name !== '') return basename(name);
    } catch {
      // No package.json here, or none that can be read: one further up may do.
    }
    if (dirname(current) === current) return 'default';
  }
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n', 1)[0] ?? '';
}
