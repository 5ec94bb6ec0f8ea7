import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { errorCode } from '../disk-cache/text-file.ts';
import { OptionsError } from '../errors.ts';
import { parseJson } from '../lib/json.ts';
import { isRecord } from '../lib/record.ts';
import type { AnyConfig } from '../schema/config-types.ts';
import { type EnvironmentVariables, processEnvironment } from '../settings.ts';
import { type BundledSealed, readSealedBundle } from '../sources/baked-bundle.ts';

/** A value to look for. It is never printed. */
export interface SecretValue {
  /** Key of the schema. */
  key: string;
  value: string;
}

/** Where {@link findSecretValues} looks. */
export interface SecretValueSources {
  /** Default: `process.env`. */
  env?: EnvironmentVariables | undefined;
  /** Folder of `.env` files; they are left out by default. */
  envFolder?: string | undefined;
  /** A baked bundle. */
  bundle?: BundledSealed | undefined;
}

/** The files that Vite and Next.js read, of any mode, without those that only show which variables there are. */
const ENV_FILE = /^\.env(?:\.(?!(?:example|sample|template|dist|schema)$)[\w-]+){0,2}$/;

/** Shorter values, such as "true" or "password", occur in any program. */
const SHORTEST_SECRET = 8;

/**
 * Returns the values of the schema's secrets in environment variables, `.env` files and a baked bundle. If a value is a JSON
 * object or array, each string in it is one more. Values with fewer than 8 characters are left out.
 *
 * @throws {OptionsError} if the bundle, the folder or a file in it cannot be read.
 */
export async function findSecretValues(
  config: AnyConfig,
  { env = processEnvironment(), envFolder, bundle }: SecretValueSources = {},
): Promise<SecretValue[]> {
  const files = envFolder === undefined ? [] : await readEnvFiles(envFolder);
  const variables = [env, ...files, ...files.map((file) => expandVariables(file, [env, ...files]))];
  const baked = bundle === undefined ? undefined : await readSealedBundle(config, bundle);
  const found = new Map<string, SecretValue>();
  for (const { key, tier, environmentVariable } of config.keys.values()) {
    if (tier !== 'secret') continue;
    const values = [...variables.map((layer) => layer[environmentVariable]), baked?.secret[key]];
    for (const secret of values.flatMap((value) => secretValues(key, value))) {
      found.set(`${key}\0${secret.value}`, secret);
    }
  }
  return [...found.values()];
}

async function readEnvFiles(folder: string): Promise<EnvironmentVariables[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const names = entries.filter((entry) => !entry.isDirectory() && ENV_FILE.test(entry.name));
    const texts = await Promise.all(names.map(({ name }) => readFile(join(folder, name), 'utf8')));
    // As dotenv reads them: `parseEnv` keeps a byte order mark and carriage returns.
    return texts.map((text) => parseEnv(text.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n')));
  } catch (error) {
    throw new OptionsError('envFolder', `The .env files in ${folder} cannot be read (${errorCode(error)}).`);
  }
}

/** Deeper references refer to themselves. */
const MAX_EXPANSIONS = 5;

/** Replaces `$NAME`, `${NAME}` and `${NAME:-default}`, as Vite and Next.js do. */
function expandVariables(
  file: EnvironmentVariables,
  layers: readonly EnvironmentVariables[],
): EnvironmentVariables {
  const expand = (text: string, depth: number): string =>
    text.replace(/\\\$|\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+))/g, (match, braced, otherwise, bare) => {
      if (match === '\\$') return '$';
      const name: string = braced ?? bare;
      const found =
        file[name] ?? layers.find((layer) => layer[name] !== undefined)?.[name] ?? otherwise ?? '';
      return depth < MAX_EXPANSIONS ? expand(found, depth + 1) : found;
    });
  return Object.fromEntries(Object.entries(file).map(([name, text]) => [name, expand(text ?? '', 0)]));
}

/** The texts of one secret: a string, the strings in its JSON, or the strings in an object. */
export function secretValues(key: string, secret: unknown): SecretValue[] {
  const json = typeof secret === 'string' ? parseJson(secret) : undefined;
  const inner = isRecord(json) || Array.isArray(json) ? textsIn(json) : [];
  return [...textsIn(secret), ...inner]
    .map((text) => text.trim())
    .filter((text) => text.length >= SHORTEST_SECRET)
    .map((value) => ({ key, value }));
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isRecord(value) ? Object.values(value).flatMap(textsIn) : [];
}
