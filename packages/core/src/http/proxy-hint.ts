import type { TransportReason } from '../errors.ts';
import { isLoopback } from './base-url.ts';

/** The dispatchers of undici 6 to 8, which Node's `fetch` uses. */
const DISPATCHERS = [Symbol.for('undici.globalDispatcher.1'), Symbol.for('undici.globalDispatcher.2')];

/**
 * If a proxy is set in the environment but Node's `fetch` does not use it, a sentence for the error of a request that got
 * no response; else an empty string. It names the variable only, because its URL may contain a password.
 */
export function proxyHint(url: string, reason: TransportReason): string {
  if (reason === 'aborted' || reason === 'tls' || !isNode() || usesDispatcher()) return '';
  const target = new URL(url);
  const variable = proxyVariable(target);
  if (variable === undefined || isLoopback(target.hostname) || isExcluded(target)) return '';
  return ` ${variable} is set, but Node's fetch does not use it: ${remedy()}, or pass a fetch that does.`;
}

/** Bun and Deno use the variables themselves. */
function isNode(): boolean {
  // Through `globalThis`: Next warns about other uses of Node's APIs in code that it bundles for the edge.
  const { versions } = globalThis.process ?? {};
  if (typeof versions?.node !== 'string') return false;
  return !('bun' in versions) && !('deno' in versions);
}

/** Whether the program has replaced the default dispatcher, or Node has because of `NODE_USE_ENV_PROXY`. */
function usesDispatcher(): boolean {
  return DISPATCHERS.some((symbol) => {
    const dispatcher = (globalThis as Record<symbol, unknown>)[symbol];
    return typeof dispatcher === 'object' && dispatcher !== null && dispatcher.constructor.name !== 'Agent';
  });
}

function proxyVariable({ protocol }: URL): string | undefined {
  const name = protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  return [name, name.toLowerCase()].find((variable) => isSet(process.env[variable]));
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value.trim() !== '';
}

/** Whether `NO_PROXY` excludes the host: `*`, the host, or a domain above it, each with a port or without. */
function isExcluded({ hostname, port, protocol }: URL): boolean {
  const actualPort = port === '' ? (protocol === 'https:' ? '443' : '80') : port;
  const entries = (process.env.NO_PROXY ?? process.env.no_proxy ?? '').toLowerCase().split(/[\s,]+/);
  return entries.some((entry) => {
    const [, name = '', onlyPort] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
    if (name === '' || (onlyPort !== undefined && onlyPort !== actualPort)) return false;
    const domain = name.replace(/^\*?\./, '');
    return name === '*' || hostname === domain || hostname.endsWith(`.${domain}`);
  });
}

function remedy(): string {
  const [major = 0, minor = 0] = globalThis.process.versions.node.split('.').map(Number);
  const supportsVariable = major >= 24 || (major === 22 && minor >= 21);
  return supportsVariable
    ? 'start Node with NODE_USE_ENV_PROXY=1'
    : 'call setGlobalDispatcher(new EnvHttpProxyAgent()) of undici 7';
}
