import { nodeBuiltin } from '../disk-cache/node-builtin.ts';
import { errorCode, readTextFile } from '../disk-cache/text-file.ts';
import { OptionsError } from '../errors.ts';
import type { LayerValues } from '../ruleset/value-layers.ts';
import type { AnyConfig, RegisteredConfig } from '../schema/config-types.ts';
import { type BundledPart, type BundledValues, resolveBundledValues } from './bundled-values.ts';

/** Values in code: works in every runtime, and before anything was read. */
export interface BundledInCode<Config extends AnyConfig = RegisteredConfig> {
  defaults: BundledValues<Config>;
  /** Values by name of environment, merged over the defaults. */
  environments?: Readonly<Record<string, BundledValues<Config>>>;
}

/** JSON files `{ public?, secrets?, flags?, limits?, segments? }`, relative to the working directory. */
export interface BundledInFiles {
  file: string;
  /** Merged over the first. `{environment}` in it stands for the environment's name; such a file may be missing. */
  environmentFile?: string;
}

/** Values that ship with the program: what is served for keys that no better source has. */
export type BundledOptions<Config extends AnyConfig = RegisteredConfig> =
  | BundledInCode<Config>
  | BundledInFiles;

/**
 * Values given in code, for an environment; undefined where they lie in files.
 * @throws {OptionsError} as {@link resolveBundledValues}.
 */
export function readBundledCode(
  config: AnyConfig,
  bundled: BundledOptions<AnyConfig>,
  environment: string,
): LayerValues | undefined {
  if (!('defaults' in bundled)) {
    if (typeof bundled.file === 'string') return undefined;
    throw new OptionsError('bundled', '"bundled" needs either "defaults" or "file".');
  }
  const { defaults, environments = {} } = bundled;
  const parts: BundledPart[] = [{ name: 'the defaults', values: defaults }];
  if (Object.hasOwn(environments, environment)) {
    parts.push({ name: `environment "${environment}"`, values: environments[environment] });
  }
  return resolveBundledValues(config, parts);
}

/**
 * Values in files, for an environment.
 * @throws {OptionsError} for a file that cannot be read, is no JSON or has another shape than bundled values have.
 */
export async function readBundledFiles(
  config: AnyConfig,
  bundled: BundledInFiles,
  environment: string,
): Promise<LayerValues> {
  const { file, environmentFile } = bundled;
  const parts: BundledPart[] = [{ name: file, values: await readJson(file) }];
  if (environmentFile !== undefined) {
    const isTemplate = environmentFile.includes('{environment}');
    if (isTemplate && !/^[a-z0-9][a-z0-9-]*$/i.test(environment)) {
      throw new OptionsError('environment', `"${environment}" is no name of an environment.`);
    }
    const name = environmentFile.replaceAll('{environment}', environment);
    const values = await readJson(name, isTemplate);
    if (values !== undefined) parts.push({ name, values });
  }
  return resolveBundledValues(config, parts);
}

async function readJson(file: string, mayBeMissing = false): Promise<unknown> {
  const fs = nodeBuiltin('node:fs/promises');
  if (fs === undefined) {
    throw new OptionsError('bundled', 'This runtime has no files: give "bundled" as { defaults } in code.');
  }
  let text: string;
  try {
    text = await readTextFile(fs, file);
  } catch (error) {
    const code = errorCode(error);
    if (mayBeMissing && code === 'ENOENT') return undefined;
    throw new OptionsError('bundled', `The bundled file ${file} cannot be read (${code}).`);
  }
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    // The parser's own message quotes the text, which may hold a secret.
    throw new OptionsError('bundled', `The bundled file ${file} is no JSON.`);
  }
}
