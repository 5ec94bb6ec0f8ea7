import { OptionsError } from '../errors.ts';

export interface BaseUrlOptions {
  /** Whether `http:` is accepted for hosts other than loopback; default false. */
  allowInsecureHttp?: boolean | undefined;
  /** The name of the setting in messages; default the option's name. */
  label?: string;
}

/**
 * Checks a base URL and removes its trailing slashes. Messages never repeat the value, because it may hold a password.
 *
 * @throws {OptionsError} naming `option`, if it is not an http(s) URL, if it has credentials, a query or a fragment, or
 * if it is `http:` to a host other than loopback and `allowInsecureHttp` is not set.
 */
export function parseBaseUrl(option: string, value: unknown, options: BaseUrlOptions = {}): string {
  const label = options.label ?? `"${option}"`;
  if (typeof value !== 'string' || value.trim() === '') {
    throw new OptionsError(
      option,
      `${label} is empty. Set it to a base URL, such as https://config.example.com.`,
    );
  }
  const url = parse(value.trim());
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.hostname === '') {
    throw new OptionsError(
      option,
      `${label} is not a valid URL. Set it to one such as https://config.example.com.`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new OptionsError(option, `${label} contains a user name or password. Remove it from the URL.`);
  }
  if (url.search !== '' || url.hash !== '') {
    throw new OptionsError(option, `${label} contains a query or a fragment. Set it to the base URL only.`);
  }
  if (url.protocol === 'http:' && options.allowInsecureHttp !== true && !isLoopback(url.hostname)) {
    throw new OptionsError(
      option,
      `${label} is http, which would send credentials unencrypted. Use https, or set allowInsecureHttp.`,
    );
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

function parse(value: string): URL | undefined {
  try {
    return new URL(value);
  } catch {
    return undefined;
  }
}

/** Whether the hostname of a URL is this machine. */
export function isLoopback(hostname: string): boolean {
  // URL normalizes every form of an IPv4 address (0x7f.1, 2130706433) to dotted decimals.
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  );
}
