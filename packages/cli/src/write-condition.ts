import type { WriteCondition } from '@smooai/config/server';
import { CliError, UsageError } from './errors.ts';
import type { StoredValues } from './stored-values.ts';

/** The options of a write that must not replace what someone else has written. */
export interface ConditionOptions {
  /** Writes only if the value still has this version. */
  ifVersion?: string;
  /** Writes only if the environment has no value of its own. */
  ifUnset?: boolean;
}

/**
 * The condition that a command's options ask for.
 * @throws {UsageError} for a malformed version, or both options
 * @throws {CliError} if the server would ignore the condition
 */
export function conditionOf({ ifVersion, ifUnset }: ConditionOptions, stored: StoredValues): WriteCondition {
  if (ifVersion === undefined && ifUnset !== true) return {};
  if (ifVersion !== undefined && ifUnset === true) {
    throw new UsageError('Choose one of --if-version and --if-unset.');
  }
  if (ifVersion !== undefined && !/^[\w-]{1,100}$/.test(ifVersion)) {
    throw new UsageError('--if-version must be the "version" that "smooai-config get KEY --json" prints.');
  }
  // Only a server with rulesets has versions. Another one would write whatever the condition says.
  if (stored.revision === undefined) {
    throw new CliError('This server does not support conditional writes. Nothing was written.');
  }
  return { ifVersion, ifUnset };
}
