import { OptionsError } from '../errors.ts';
import type { TokenProviderOptions } from './token-options.ts';
import { TokenProvider } from './token-provider.ts';

/** Options of {@link getSharedTokenProvider}. */
export interface SharedTokenProviderOptions extends TokenProviderOptions {
  /** A name to get it by elsewhere in the process; default none: then equal options are the name. */
  key?: string | undefined;
}

interface Entry {
  readonly key: string | undefined;
  readonly provider: TokenProvider;
  /** A closure, so that no inspection of the registry shows the secret in it. */
  readonly isFor: (options: SharedTokenProviderOptions) => boolean;
}

/**
 * One registry a process, also where two copies of this package are loaded (ESM and CommonJS). The number grows with
 * the options: an older copy would not compare a new one.
 */
const REGISTRY: unique symbol = Symbol.for('@smooai/config/token-providers/1');
/** So many without a key are known at a time, or a function made anew for each call would fill the memory. */
const MOST_WITHOUT_KEY = 100;

/**
 * The one token provider of this process for these options, so that several clients share one token: equal options,
 * functions by identity, give the same instance. With a `key` it can also be got by that alone, once it was made. Of
 * those without a key the last 100 that were asked for are known; one that is forgotten goes on for who holds it.
 *
 * @throws {OptionsError} for invalid options, a key that nothing was made for, and a key that other options hold.
 * @example
 * const tokens = getSharedTokenProvider({ authUrl, clientId, clientSecret, key: 'billing' });
 * getSharedTokenProvider('billing') === tokens; // true
 */
export function getSharedTokenProvider(options: SharedTokenProviderOptions | string): TokenProvider {
  const entries = registry();
  if (typeof options === 'string') {
    const found = entries.find((entry) => entry.key === options);
    if (found !== undefined) return found.provider;
    throw new OptionsError(
      'key',
      `No shared token provider has the key ${JSON.stringify(options)}. Give the options where it is first needed.`,
    );
  }
  const { key } = options;
  const known = entries.find((entry) => entry.key === key && (key !== undefined || entry.isFor(options)));
  if (known === undefined) {
    const provider = new TokenProvider(options);
    keep(entries, { key, provider, isFor: matcherOf(options) });
    return provider;
  }
  if (known.isFor(options)) {
    entries.splice(entries.indexOf(known), 1);
    keep(entries, known);
    return known.provider;
  }
  throw new OptionsError(
    'key',
    `The shared token provider ${JSON.stringify(key)} was made with other options.`,
  );
}

function registry(): Entry[] {
  const holder = globalThis as { [REGISTRY]?: Entry[] };
  holder[REGISTRY] ??= [];
  return holder[REGISTRY];
}

/** At the end, where it is forgotten last. */
function keep(entries: Entry[], entry: Entry): void {
  entries.push(entry);
  const withoutKey = entries.filter(({ key }) => key === undefined);
  const [oldest] = withoutKey;
  if (oldest !== undefined && withoutKey.length > MOST_WITHOUT_KEY)
    entries.splice(entries.indexOf(oldest), 1);
}

function matcherOf(options: SharedTokenProviderOptions): Entry['isFor'] {
  const { clientSecret, fetch, onEvent, waitUntil } = options;
  const data = dataOf(options);
  return (other) =>
    other.clientSecret === clientSecret &&
    other.fetch === fetch &&
    other.onEvent === onEvent &&
    other.waitUntil === waitUntil &&
    dataOf(other) === data;
}

/** The options that are plain data; what else an object may carry, such as a client's other settings, makes no difference. */
const PLAIN_OPTIONS = [
  'authUrl',
  'clientId',
  'refreshWindowSec',
  'timeoutMs',
  'deadlineMs',
  'maxAttempts',
  'credentialsIn',
  'scope',
  'audience',
  'resource',
  'allowInsecureHttp',
  'waitWhenThrottled',
] as const satisfies readonly (keyof TokenProviderOptions)[];

function dataOf(options: SharedTokenProviderOptions): string {
  const parameters = Object.entries(options.extraParameters ?? {});
  parameters.sort(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify([PLAIN_OPTIONS.map((name) => options[name] ?? null), parameters]);
}
