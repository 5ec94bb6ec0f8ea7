import type { AnyConfig } from '@smooai/config';
import type { AllowedLeak, SecretValueSources } from '@smooai/config/leak-scan';

/** Options of `withSmooConfig`. */
export interface SecretScanOptions {
  /** The schema, whose secrets are looked for. */
  config: AnyConfig;
  /** What is not a leak, each with its reason. */
  allow?: readonly AllowedLeak[] | undefined;
  /** A baked bundle, whose values are looked for too. */
  bundle?: SecretValueSources['bundle'];
}

/** The key of {@link SecretScanOptions} on globalThis: Next.js imports the adapter by its path, apart from next.config. */
const optionsKey = Symbol.for('@smooai/config-next/secret-scan');

export function setScanOptions(options: SecretScanOptions): void {
  (globalThis as Record<symbol, unknown>)[optionsKey] = options;
}

export function getScanOptions(): SecretScanOptions | undefined {
  return (globalThis as Record<symbol, unknown>)[optionsKey] as SecretScanOptions | undefined;
}
