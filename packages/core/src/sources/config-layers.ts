import { nodeBuiltin } from '../disk-cache/node-builtin.ts';
import { errorCode, readTextFile } from '../disk-cache/text-file.ts';
import { OptionsError } from '../errors.ts';
import { parseJson } from '../lib/json.ts';
import { isRecord } from '../lib/record.ts';
import type { AnyConfig } from '../schema/config-types.ts';
import { type EnvironmentVariables, processEnvironment, resolveEnvironment } from '../settings.ts';
import { TIERS, tierNames } from '../tiers.ts';
import type { BundledInCode } from './bundled-files.ts';
import { type BundledValues, mergeComputed, type ResolvedValues } from './bundled-values.ts';
import { detectCloud } from './cloud.ts';

/** Options of {@link readConfigLayers}. */
export interface ConfigLayersOptions<Config extends AnyConfig> {
  /** The schema, which says in which tier a key is. */
  config: Config;
  /** The folder with the files. Default: `SMOOAI_CONFIG_FILE_DIR`, else the nearest `.smooai-config`, see {@link readConfigLayers}. */
  directory?: string | undefined;
  /** Default: `SMOOAI_CONFIG_ENV`, else `development`. */
  environment?: string | undefined;
  /** Default: what {@link detectCloud} finds. */
  provider?: string | undefined;
  /** Default: what {@link detectCloud} finds. */
  region?: string | undefined;
  /** Used instead of `process.env`. */
  variables?: EnvironmentVariables | undefined;
  /**
   * Loads modules, `(url) => import(url)`: then `.ts`, `.mts`, `.mjs` and `.js` files are read too, as far as the runtime can.
   * It gets a `file:` URL. Default: JSON files only.
   */
  load?: ((url: string) => Promise<unknown>) | undefined;
}

interface Folder {
  fs: typeof import('node:fs/promises');
  path: typeof import('node:path');
  pathToFileURL: typeof import('node:url').pathToFileURL;
}

const FOLDER = '.smooai-config';
const LEVELS_ABOVE = 5;
const MODULES = ['.ts', '.mts', '.mjs', '.js'];
/** Public keys that the platform's own package adds to every schema. */
const BUILT_IN_KEYS: ReadonlySet<string> = new Set(['ENV', 'CLOUD_PROVIDER', 'REGION', 'IS_LOCAL']);

/**
 * Reads the values of these files, each merged over the ones before it: `default` (required), `local`, `<environment>`,
 * `<environment>.<provider>` and `<environment>.<provider>.<region>`. The folder is `SMOOAI_CONFIG_FILE_DIR`, else the folder
 * `.smooai-config` in the working directory or in one of the five above it.
 *
 * A file has values by tier (`{ public, secrets, flags, limits }`) or by key. A function among them gets the merge of the
 * earlier files. The result is for `bundled` of `createConfigClient`.
 *
 * @throws {OptionsError} if there is no `default` file, or a file cannot be read or is malformed.
 * @example
 * const client = createConfigClient({ config, bundled: await readConfigLayers({ config }) });
 */
export async function readConfigLayers<Config extends AnyConfig>(
  options: ConfigLayersOptions<Config>,
): Promise<BundledInCode<Config>> {
  const { variables = processEnvironment() } = options;
  const cloud = detectCloud(variables);
  const environment = resolveEnvironment({ environment: options.environment }, variables);
  const { provider = cloud.provider, region = cloud.region } = options;
  const folder = openFolder();
  const directory = await findDirectory(folder, options, variables);
  const names = ['default', 'local', environment, `${environment}.${provider}`];
  names.push(`${environment}.${provider}.${region}`);
  let merged: ResolvedValues = { public: {}, secrets: {}, flags: {}, limits: {} };
  for (const name of names) {
    if (!/^[\w-]+(\.[\w-]+)*$/.test(name)) {
      throw new OptionsError('environment', `"${name}" cannot be the name of a file. Check the environment.`);
    }
    const file = await findFile(folder, folder.path.join(directory, name), options.load !== undefined);
    if (file === undefined) {
      if (name === 'default') throw noDefault([directory]);
      continue;
    }
    const values = sortByTier(options.config, await readLayer(folder, file, options.load), file);
    merged = mergeComputed(merged, values, file);
  }
  return { defaults: merged as BundledValues<Config> };
}

function openFolder(): Folder {
  const fs = nodeBuiltin('node:fs/promises');
  const path = nodeBuiltin('node:path');
  const url = nodeBuiltin('node:url');
  if (fs !== undefined && path !== undefined && url !== undefined) {
    return { fs, path, pathToFileURL: url.pathToFileURL };
  }
  throw refused('This runtime has no file system. Pass "bundled" as { defaults } in code.');
}

async function findDirectory(
  folder: Folder,
  options: Pick<ConfigLayersOptions<AnyConfig>, 'directory' | 'load'>,
  variables: EnvironmentVariables,
): Promise<string> {
  const named = options.directory ?? variables.SMOOAI_CONFIG_FILE_DIR?.trim();
  if (named !== undefined && named !== '') return folder.path.resolve(named);
  const tried: string[] = [];
  let current = folder.path.resolve('.');
  for (let level = 0; level <= LEVELS_ABOVE; level += 1) {
    const candidate = folder.path.join(current, FOLDER);
    const base = folder.path.join(candidate, 'default');
    if ((await findFile(folder, base, options.load !== undefined)) !== undefined) return candidate;
    tried.push(candidate);
    current = folder.path.dirname(current);
  }
  throw noDefault([...new Set(tried)]);
}

async function findFile({ fs }: Folder, base: string, withModules: boolean): Promise<string | undefined> {
  for (const extension of withModules ? [...MODULES, '.json'] : ['.json']) {
    const stats = await fs.stat(`${base}${extension}`).catch(() => undefined);
    if (stats !== undefined) return `${base}${extension}`;
  }
  return undefined;
}

async function readLayer(
  { fs, pathToFileURL }: Folder,
  file: string,
  load: ConfigLayersOptions<AnyConfig>['load'],
): Promise<unknown> {
  if (load !== undefined && !file.endsWith('.json')) {
    const loaded = await load(pathToFileURL(file).href).catch(() => {
      // The error may quote a value of the module.
      throw refused(`The module ${file} could not be loaded.`);
    });
    return isRecord(loaded) && 'default' in loaded ? loaded.default : loaded;
  }
  const text = await readTextFile(fs, file).catch((error: unknown) => {
    throw refused(`The file ${file} cannot be read (${errorCode(error)}).`);
  });
  const values = parseJson(text.replace(/^\uFEFF/, ''));
  if (values === undefined) throw refused(`The file ${file} is not valid JSON.`);
  return values;
}

/** Values by key become values by tier. */
function sortByTier(
  config: AnyConfig,
  values: unknown,
  file: string,
): Record<string, Record<string, unknown>> {
  if (!isRecord(values)) throw refused(`The values in ${file} must be an object.`);
  const sorted = new Map<string, [string, unknown][]>();
  const put = (group: string, entries: [string, unknown][]): void => {
    sorted.set(group, [...(sorted.get(group) ?? []), ...entries]);
  };
  for (const [name, value] of Object.entries(values)) {
    const definition = config.keys.get(name);
    if (definition !== undefined) put(tierNames(definition.tier).group, [[name, value]]);
    else if (TIERS.some(({ group }) => group === name) && isRecord(value)) put(name, Object.entries(value));
    else if (!BUILT_IN_KEYS.has(name)) {
      throw refused(
        `"${name}" in ${file} is neither a key in the schema nor a tier. Declare it, or check its name.`,
      );
    }
  }
  return Object.fromEntries([...sorted].map(([group, entries]) => [group, Object.fromEntries(entries)]));
}

function noDefault(directories: readonly string[]): OptionsError {
  return refused(
    `The file "default" was not found in ${directories.join(', ')}. Create default.json there, or set SMOOAI_CONFIG_FILE_DIR.`,
  );
}

function refused(message: string): OptionsError {
  return new OptionsError('bundled', message);
}
