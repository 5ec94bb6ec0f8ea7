import { nodeBuiltin } from '../disk-cache/node-builtin.ts';
import { errorCode, readTextFile } from '../disk-cache/text-file.ts';
import { OptionsError } from '../errors.ts';
import { parseJson } from '../lib/json.ts';
import type { LayerValues } from '../ruleset/value-layers.ts';
import type { AnyConfig, RegisteredConfig } from '../schema/config-types.ts';
import { type BundledSealed, readSealedBundle } from './baked-bundle.ts';
import { type BundledPart, type BundledValues, resolveBundledValues } from './bundled-values.ts';

/** Bundled values in code. They work in every runtime, and are available without reading a file. */
export interface BundledInCode<Config extends AnyConfig = RegisteredConfig> {
  defaults: BundledValues<Config>;
  /** Values by environment name, merged over the defaults. */
  environments?: Readonly<Record<string, BundledValues<Config>>>;
}

/**
 * Bundled values in JSON files: `{ public?, secrets?, flags?, limits?, segments? }`.
 * Paths are relative to the working directory.
 */
export interface BundledInFiles {
  file: string;
  /**
   * Merged over `file`. If the path contains `{environment}`, that is replaced by the environment's name, and the
   * file may be missing.
   */
  environmentFile?: string;
}

/** Values that ship with the program, for keys that have no value elsewhere. */
export type BundledOptions<Config extends AnyConfig = RegisteredConfig> =
  | BundledInCode<Config>
  | BundledInFiles
  | BundledSealed;

/**
 * The bundled values in code, resolved for an environment; undefined if they are in files.
 * @throws {OptionsError} if they are malformed, see {@link resolveBundledValues}.
 */
export function readBundledCode(
  config: AnyConfig,
  bundled: BundledOptions<AnyConfig>,
  environment: string,
): LayerValues | undefined {
  if (!('defaults' in bundled)) {
    if ('bundle' in bundled && isBundle(bundled)) return undefined;
    if ('file' in bundled && typeof bundled.file === 'string') return undefined;
    throw new OptionsError(
      'bundled',
      '"bundled" needs one of "defaults", "file" (a path) and "bundle" (a path or a Uint8Array).',
    );
  }
  const { defaults, environments = {} } = bundled;
  const parts: BundledPart[] = [{ name: 'the defaults', values: defaults }];
  if (Object.hasOwn(environments, environment)) {
    parts.push({ name: `environment "${environment}"`, values: environments[environment] });
  }
  return resolveBundledValues(config, parts);
}

function isBundle({ bundle, precedence }: BundledSealed): boolean {
  if (precedence !== undefined && precedence !== 'server' && precedence !== 'bundle') {
    throw new OptionsError('bundled', 'The "precedence" of a bundle must be "server" or "bundle".');
  }
  return typeof bundle === 'string' || ArrayBuffer.isView(bundle);
}

/**
 * The bundled values in files or a baked bundle, resolved for an environment.
 * @throws {OptionsError} for a file that cannot be read, is not valid JSON or is malformed, and for a bundle that is refused.
 */
export async function readBundledFiles(
  config: AnyConfig,
  bundled: BundledInFiles | BundledSealed,
  environment: string,
): Promise<LayerValues> {
  if ('bundle' in bundled) return readSealedBundle(config, bundled);
  const { file, environmentFile } = bundled;
  const parts: BundledPart[] = [{ name: file, values: await readJson(file) }];
  if (environmentFile !== undefined) {
    const isTemplate = environmentFile.includes('{environment}');
    if (isTemplate && !/^[a-z0-9][a-z0-9-]*$/i.test(environment)) {
      throw new OptionsError('environment', `"${environment}" is not a valid environment name.`);
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
    throw new OptionsError(
      'bundled',
      'This runtime has no file system. Pass "bundled" as { defaults } in code.',
    );
  }
  let text: string;
  try {
    text = await readTextFile(fs, file);
  } catch (error) {
    const code = errorCode(error);
    if (mayBeMissing && code === 'ENOENT') return undefined;
    throw new OptionsError('bundled', `The bundled file ${file} cannot be read (${code}).`);
  }
  const values = parseJson(text.replace(/^\uFEFF/, ''));
  if (values === undefined) {
    throw new OptionsError('bundled', `The bundled file ${file} is not valid JSON.`);
  }
  return values;
}
