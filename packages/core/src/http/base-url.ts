import { OptionsError } from '../errors.ts';

/** What {@link parseBaseUrl} takes besides the URL. */
export interface BaseUrlOptions {
  /** Whether `http:` is taken for a host that is not loopback too; default false. */
  allowInsecureHttp?: boolean | undefined;
  /** How the message names the setting; default the option's name. */
  label?: string;
}

/**
 * A base URL without its trailing slashes. The value itself is never repeated in a message: it may hold a password.
 *
 * @throws {OptionsError} naming `option`: for what is no http(s) URL, a URL with credentials, a query or a fragment,
 * and for `http:` where the host is not loopback and `allowInsecureHttp` is not set.
 */
export function parseBaseUrl(option: string, value: unknown, options: BaseUrlOptions = {}): string {
  const label = options.label ?? `"${option}"`;
  if (typeof value !== 'string' || value.trim() === '') {
    throw new OptionsError(option, `${label} is empty. Give a base URL, such as https://config.example.com.`);
  }
  const url = parse(value.trim());
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.hostname === '') {
    throw new OptionsError(option, `${label} is no URL. Give one such as https://config.example.com.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new OptionsError(option, `${label} holds a user name or password. Take it out of the URL.`);
  }
  if (url.search !== '' || url.hash !== '') {
    throw new OptionsError(option, `${label} holds a query or a fragment. Give the base URL alone.`);
  }
  if (url.protocol === 'http:' && options.allowInsecureHttp !== true && !isLoopback(url.hostname)) {
    throw new OptionsError(
      option,
      `${label} is http, and credentials would travel in the clear. Use https, or set allowInsecureHttp.`,
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

function isLoopback(hostname: string): boolean {
  // URL has normalised every form of an IPv4 address (0x7f.1, 2130706433) to dotted decimals.
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  );
}
