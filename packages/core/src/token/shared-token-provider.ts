import { OptionsError } from '../errors.ts';
import type { TokenProviderOptions } from './token-options.ts';
import { TokenProvider } from './token-provider.ts';

export interface SharedTokenProviderOptions extends TokenProviderOptions {
  /** A name for getting the provider elsewhere in the process. Without one it is identified by its options. */
  key?: string | undefined;
}

interface Entry {
  readonly key: string | undefined;
  readonly provider: TokenProvider;
  /** A closure, so that inspecting the registry does not show the secret. */
  readonly matches: (options: SharedTokenProviderOptions) => boolean;
}

/**
 * One registry per process, even if two copies of this package are loaded (ESM and CommonJS). The number is raised with
 * each new option, because an older copy would not compare it.
 */
const REGISTRY: unique symbol = Symbol.for('@smooai/config/token-providers/1');
/** Limits the providers without a key: a function created anew for each call would otherwise fill the memory. */
const MAX_WITHOUT_KEY = 100;

/**
 * Returns the same provider for equal options (functions compared by identity) throughout the process, so that several
 * clients share one token. A provider with a `key` can also be looked up by its key alone.
 *
 * Providers without a key are kept until 100 others have been used since. A forgotten provider keeps working.
 *
 * @throws {OptionsError} if an option is invalid, if the key is unknown, or if it belongs to other options.
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
      `No shared token provider has the key ${JSON.stringify(options)}. Pass the options at its first use.`,
    );
  }
  const { key } = options;
  const known = entries.find((entry) => entry.key === key && (key !== undefined || entry.matches(options)));
  if (known === undefined) {
    const provider = new TokenProvider(options);
    append(entries, { key, provider, matches: matcherOf(options) });
    return provider;
  }
  if (known.matches(options)) {
    entries.splice(entries.indexOf(known), 1);
    append(entries, known);
    return known.provider;
  }
  throw new OptionsError(
    'key',
    `The shared token provider ${JSON.stringify(key)} was created with other options. Use another key.`,
  );
}

function registry(): Entry[] {
  const holder = globalThis as { [REGISTRY]?: Entry[] };
  holder[REGISTRY] ??= [];
  return holder[REGISTRY];
}

/** Appends an entry, and drops the one without a key that has not been used for the longest time. */
function append(entries: Entry[], entry: Entry): void {
  entries.push(entry);
  const withoutKey = entries.filter(({ key }) => key === undefined);
  const [oldest] = withoutKey;
  if (oldest !== undefined && withoutKey.length > MAX_WITHOUT_KEY) entries.splice(entries.indexOf(oldest), 1);
}

function matcherOf(options: SharedTokenProviderOptions): Entry['matches'] {
  const { clientSecret, fetch, onEvent, waitUntil } = options;
  const data = dataOf(options);
  return (other) =>
    other.clientSecret === clientSecret &&
    other.fetch === fetch &&
    other.onEvent === onEvent &&
    other.waitUntil === waitUntil &&
    dataOf(other) === data;
}

/** The options that are plain data. Other properties of the object, such as a client's settings, do not count. */
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
