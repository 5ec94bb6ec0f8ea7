/** The scan of a build's output for secrets. It needs Node.js. */
export type { AllowedLeak } from './leaks/allowed-leak.ts';
export {
  formatLeaks,
  type Leak,
  type LeakScanOptions,
  type LeakScanResult,
  scanForSecrets,
} from './leaks/scan-for-secrets.ts';
export { createTextScanner, type TextLeak, type TextScannerOptions } from './leaks/scan-text.ts';
export { type DetectedSecret, SecretDetector } from './leaks/secret-detector.ts';
export { findSecretValues, type SecretValue, type SecretValueSources } from './leaks/secret-values.ts';
