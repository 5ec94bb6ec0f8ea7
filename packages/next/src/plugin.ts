import { fileURLToPath } from 'node:url';
import { watchDevelopment } from './development-watch.ts';
import { type SecretScanOptions, setScanOptions } from './scan-options.ts';

export type { SecretScanOptions } from './scan-options.ts';

type MaybePromise<Value> = Value | Promise<Value>;

/**
 * What next.config may export: an object, or a function of the phase. `Config` is Next's `NextConfig`. It is not imported,
 * because declarations of Next.js do not compile without `skipLibCheck`.
 */
export type NextConfigInput<Config extends object> = Config | NextConfigFunction<Config>;

/** A function that returns the configuration, as next.config may export it. */
export type NextConfigFunction<Config extends object> = (
  phase: string,
  context: { defaultConfig: Config },
) => MaybePromise<Config>;

/** The settings of Next.js that are read or set here. */
interface OwnSettings {
  adapterPath?: string;
  compress?: boolean;
}

/** The phases whose settings must agree: with an adapter, Next.js stores prerendered pages elsewhere. */
const PHASES = ['phase-production-build', 'phase-production-server'];

/**
 * Fails `next build` if its output contains the value of a secret, or the name of one where a browser can get it. Under
 * `next dev` it warns about values in responses and logs. Values come from the environment, from `.env` files, and from a
 * bundle.
 *
 * @example
 * // next.config.ts
 * export default withSmooConfig({ cacheComponents: true }, { config });
 */
export function withSmooConfig<Config extends object>(
  nextConfig: NextConfigInput<Config>,
  options: SecretScanOptions,
): (phase: string, context: { defaultConfig: Config }) => Promise<Config> {
  if (!((options as Partial<SecretScanOptions> | undefined)?.config?.keys instanceof Map)) {
    throw new TypeError('withSmooConfig needs the schema: withSmooConfig(nextConfig, { config }).');
  }
  return async (phase, context) => {
    const own: Config & OwnSettings = await (isFunction(nextConfig)
      ? nextConfig(phase, context)
      : nextConfig);
    if (phase === 'phase-development-server') {
      await watchDevelopment(options);
      // It reads what Next.js writes, which must not be compressed.
      return { ...own, compress: false };
    }
    if (!PHASES.includes(phase)) return own;
    if ((own.adapterPath ?? process.env.NEXT_ADAPTER_PATH) !== undefined) {
      warnOnce(
        'This app has a build adapter of its own, so withSmooConfig does not scan the build. Add to package.json: "postbuild": "smooai-config scan .next --schema PATH_OF_THE_SCHEMA".',
      );
      return own;
    }
    setScanOptions(options);
    return { ...own, adapterPath: fileURLToPath(new URL('./scan-adapter.cjs', import.meta.url)) };
  };
}

function isFunction<Config extends object>(
  nextConfig: NextConfigInput<Config>,
): nextConfig is NextConfigFunction<Config> {
  return typeof nextConfig === 'function';
}

const warned = new Set<string>();

function warnOnce(message: string): void {
  if (warned.has(message)) return;
  warned.add(message);
  process.stderr.write(` ⚠ ${message}\n`);
}
