import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
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

/** The files that Vite and Next.js read. */
const ENV_FILES = ['', '.local', '.development', '.production', '.test'].flatMap((mode) =>
  mode === '' || mode === '.local' ? [`.env${mode}`] : [`.env${mode}`, `.env${mode}.local`],
);

/** Shorter values, such as "true" or "password", occur in any program. */
const SHORTEST_SECRET = 8;

/**
 * Returns the values of the schema's secrets in environment variables, `.env` files and a baked bundle. If a value is a JSON
 * object or array, each string in it is one more. Values with fewer than 8 characters are left out.
 *
 * @throws {OptionsError} if the bundle cannot be opened.
 */
export async function findSecretValues(
  config: AnyConfig,
  { env = processEnvironment(), envFolder, bundle }: SecretValueSources = {},
): Promise<SecretValue[]> {
  const variables = [env, ...(envFolder === undefined ? [] : await readEnvFiles(envFolder))];
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
  const texts = await Promise.all(
    ENV_FILES.map((name) => readFile(join(folder, name), 'utf8').catch(() => '')),
  );
  return texts.map((text) => parseEnv(text) as EnvironmentVariables);
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
