import { type AnyConfig, OptionsError } from '@smooai/config';

/** The longest delay of a timer; a longer one would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** @throws {OptionsError} unless `config` is a schema. */
export function checkSchema(config: unknown): asserts config is AnyConfig {
  // Not `instanceof`: the schema may be of another copy of the core.
  if (typeof (config as Partial<AnyConfig> | null)?.keys?.values === 'function') return;
  throw new OptionsError('config', '"config" must be a schema, the result of defineConfig().');
}

/** @throws {OptionsError} unless `context` is a function, or undefined. */
export function checkContextOption(context: unknown): void {
  if (context === undefined || typeof context === 'function') return;
  throw new OptionsError('context', '"context" must be a function that returns the context of a request.');
}

/** @throws {OptionsError} unless `names` are keys that a browser may see, or undefined. Without a schema, any names pass. */
export function checkBrowserKeys(option: string, names: unknown, config?: AnyConfig): void {
  if (names === undefined) return;
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
    throw new OptionsError(option, `"${option}" must be an array of names.`);
  }
  const isVisible = (name: string): boolean => {
    const tier = config?.keys.get(name)?.tier;
    return config === undefined || (tier !== undefined && tier !== 'secret');
  };
  const wrong = names.find((name) => !isVisible(name));
  if (wrong === undefined) return;
  throw new OptionsError(
    option,
    `"${option}" contains ${JSON.stringify(wrong)}, which is not a public value, flag or limit in the schema.`,
  );
}

/** @throws {OptionsError} unless `ms` is a time to wait, or undefined. */
export function checkReadyTimeout(ms: unknown): void {
  if (ms === undefined || (typeof ms === 'number' && ms > 0)) return;
  throw new OptionsError('readyTimeoutMs', '"readyTimeoutMs" must be a number of milliseconds above 0.');
}

/** @throws {OptionsError} unless `ms` is a time that a timer can repeat, or undefined. */
export function checkHeartbeat(ms: unknown): void {
  if (ms === undefined || (typeof ms === 'number' && ms >= 1 && ms <= MAX_DELAY_MS)) return;
  throw new OptionsError(
    'heartbeatMs',
    `"heartbeatMs" must be a number of milliseconds from 1 to ${MAX_DELAY_MS}.`,
  );
}

/** @throws {OptionsError} unless `value` is an object, or undefined. */
export function checkObject(option: string, value: unknown): void {
  if (value === undefined || (typeof value === 'object' && value !== null)) return;
  throw new OptionsError(option, `"${option}" must be an object.`);
}
