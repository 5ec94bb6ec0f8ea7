import { isConfigError } from '@smooai/config';
import type { Dispatcher } from 'undici';
import { UsageError } from './errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

type ProxyVariable = 'http_proxy' | 'https_proxy';

/**
 * Returns a `fetch` that uses the proxies of `HTTP_PROXY` and `HTTPS_PROXY`, except for the hosts in `NO_PROXY`, or
 * undefined if neither is set: Node's own `fetch` ignores these variables unless NODE_USE_ENV_PROXY is set. Without
 * `HTTPS_PROXY`, `HTTP_PROXY` applies to `https:` too.
 *
 * @throws {UsageError} naming the variable if it is not the URL of a proxy. The message does not contain the value, because
 * that may contain a password.
 */
export async function proxyFetch(env: Environment): Promise<typeof globalThis.fetch | undefined> {
  const httpProxy = proxyUrl(env, 'http_proxy');
  const httpsProxy = proxyUrl(env, 'https_proxy');
  if (httpProxy === '' && httpsProxy === '') return undefined;
  // Loaded only when it is needed, because it would make each command start later.
  const { EnvHttpProxyAgent, fetch, Pool } = await import('undici');
  const dispatcher = new EnvHttpProxyAgent({
    httpProxy,
    httpsProxy,
    noProxy: (env.no_proxy ?? env.NO_PROXY ?? '').trim(),
    // Many proxies allow CONNECT only for TLS.
    proxyTunnel: false,
    clientFactory: (url, options) => {
      const pool = new Pool(url, options);
      return Object.assign(pool, { connect: failingTunnel(pool.connect.bind(pool)) });
    },
  });
  // The package's types and those of the global fetch differ, though Node's fetch is the same code.
  const proxied: unknown = (url: string, init: object) => fetch(url, { ...init, dispatcher });
  return proxied as typeof globalThis.fetch;
}

type OpenTunnel = (request: Dispatcher.ConnectOptions) => Promise<Dispatcher.ConnectData>;

/**
 * Lets a request fail if the proxy closes the connection instead of opening the tunnel. undici reconnects after a socket
 * error, at once and without end.
 */
function failingTunnel(open: OpenTunnel): OpenTunnel {
  return async (request) => {
    try {
      return await open(request);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'UND_ERR_SOCKET')) throw error;
      throw Object.assign(new Error('the proxy closed the connection'), { code: 'ECONNRESET' });
    }
  };
}

/** Says which variables name a proxy, if it may have caused a failure. The proxy's URL may contain a password. */
export function proxyHint(error: unknown, env: Environment): string {
  if (!isConfigError(error)) return '';
  const status = 'status' in error && typeof error.status === 'number' ? error.status : 0;
  if (!error.code.endsWith('_TRANSPORT') && status !== 407 && status < 500) return '';
  const names = [readProxy(env, 'http_proxy'), readProxy(env, 'https_proxy')]
    .filter(({ value }) => value !== '')
    .map(({ variable }) => variable);
  if (names.length === 0) return '';
  return `\nRequests go through the proxy in ${names.join(' or ')}, unless NO_PROXY contains the server's host.`;
}

/** The lower-case variable wins, also if it is empty, as in curl. */
function readProxy(env: Environment, name: ProxyVariable): { variable: string; value: string } {
  const variable = env[name] === undefined ? name.toUpperCase() : name;
  return { variable, value: (env[variable] ?? '').trim() };
}

function proxyUrl(env: Environment, name: ProxyVariable): string {
  const { variable, value } = readProxy(env, name);
  if (value === '') return '';
  try {
    // As in curl, the scheme may be missing.
    const url = new URL(value.includes('://') ? value : `http://${value}`);
    decodeURIComponent(url.username + url.password);
    if (url.protocol === 'http:' || url.protocol === 'https:') return url.href;
  } catch {
    // The error quotes the value.
  }
  throw new UsageError(
    `${variable} must be the URL of an HTTP proxy, such as http://proxy.example:3128. To use no proxy, unset it.`,
  );
}
