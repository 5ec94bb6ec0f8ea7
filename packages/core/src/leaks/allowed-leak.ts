import { OptionsError } from '../errors.ts';
import type { AnyConfig } from '../schema/config-types.ts';

/** An occurrence that is not a leak. */
export interface AllowedLeak {
  /** Key of the schema. */
  key: string;
  /** Default: the name only. */
  kind?: 'value' | 'name' | undefined;
  /** The file's path below the scanned folder, with `/`, or a pattern of such paths. Default: every file. */
  file?: string | RegExp | undefined;
  /** Why it is not a leak, for the next reader. */
  reason: string;
}

/** Whether the entry covers this leak. @param file - as `file` of the entry names it. */
export function allows(
  { key, kind = 'name', file }: AllowedLeak,
  leak: { key: string; kind: 'value' | 'name' },
  path: string,
): boolean {
  if (key !== leak.key || kind !== leak.kind) return false;
  // Unlike `test`, `search` does not begin at the lastIndex of a global pattern.
  return file === undefined || (typeof file === 'string' ? file === path : path.search(file) !== -1);
}

/** @throws {OptionsError} if `allow` is not a list of valid entries for secrets of the schema. */
export function checkAllowances(config: AnyConfig, allow: readonly AllowedLeak[]): void {
  if (!Array.isArray(allow)) throw new OptionsError('allow', '"allow" must be an array.');
  for (const entry of allow as readonly (Partial<AllowedLeak> | null | undefined)[])
    checkEntry(config, entry);
}

function checkEntry(config: AnyConfig, entry: Partial<AllowedLeak> | null | undefined): void {
  const { key, kind, file, reason } = entry ?? {};
  if (typeof key !== 'string' || config.keys.get(key)?.tier !== 'secret') {
    throw new OptionsError(
      'allow',
      `An entry of "allow" names "${String(key)}", which is not a secret in the schema.`,
    );
  }
  const fail = (problem: string): never => {
    throw new OptionsError('allow', `The entry of "allow" for "${key}" ${problem}`);
  };
  if (typeof reason !== 'string' || reason.trim() === '') fail('needs a "reason", for the next reader.');
  if (kind !== undefined && kind !== 'value' && kind !== 'name')
    fail('needs "value" or "name" as its "kind".');
  if (file !== undefined && typeof file !== 'string' && !(file instanceof RegExp)) {
    fail('needs a path or a regular expression as its "file".');
  }
}
