import { OptionsError } from '@smooai/config';

/** The secrets that sign the codes of variants. */
export interface VariantSecrets {
  /** Signs codes, at least 32 characters. Default: `SMOOAI_CONFIG_VARIANT_SECRET`. */
  secret?: string;
  /** The secret before it, whose codes stay valid. Default: `SMOOAI_CONFIG_VARIANT_SECRET_PREVIOUS`. */
  previousSecret?: string;
}

const MIN_LENGTH = 32;

/** For `next dev` and tests, so that nobody has to set a secret to try a page. */
const DEVELOPMENT_SECRET = 'smooai-config: not a secret, for development only';

/**
 * Returns the secrets, the one that signs first. Read at each use, because a module is loaded before the environment is
 * complete.
 *
 * @throws {OptionsError} for a secret that is too short, and in production without one.
 */
export function variantSecrets({ secret, previousSecret }: VariantSecrets): [string, ...string[]] {
  const current = secret ?? process.env.SMOOAI_CONFIG_VARIANT_SECRET;
  const previous = previousSecret ?? process.env.SMOOAI_CONFIG_VARIANT_SECRET_PREVIOUS;
  checkLength(current, 'secret', 'SMOOAI_CONFIG_VARIANT_SECRET');
  checkLength(previous, 'previousSecret', 'SMOOAI_CONFIG_VARIANT_SECRET_PREVIOUS');
  if (!current && process.env.NODE_ENV === 'production') {
    throw new OptionsError(
      'secret',
      'Variants need a secret that signs their codes, in the build and in the running app. Set SMOOAI_CONFIG_VARIANT_SECRET to the output of: openssl rand -base64 32',
    );
  }
  return [current || DEVELOPMENT_SECRET, ...(previous ? [previous] : [])];
}

function checkLength(secret: unknown, option: string, variable: string): void {
  if (secret === undefined || secret === '') return;
  if (typeof secret === 'string' && secret.length >= MIN_LENGTH) return;
  const found = typeof secret === 'string' ? `${secret.length} characters` : typeof secret;
  throw new OptionsError(
    option,
    `"${option}" of variants (${variable}) must be a string of at least ${MIN_LENGTH} characters, not ${found}. Make one with: openssl rand -base64 32`,
  );
}
