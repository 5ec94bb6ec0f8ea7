import { type AnyConfig, isConfigError } from '@smooai/config';
import type { ConfigClient } from '@smooai/config/server';
import { revalidateTag } from 'next/cache';
import { CONFIG_TAG, configTag } from './cache-scope.ts';
import { warnOnce } from './report-once.ts';
import { readBody } from './request-body.ts';
import { REVALIDATE_LIMITS, type RevalidateOptions, revalidateSecret } from './revalidate-settings.ts';
import { checkSignature, isSameText } from './signature.ts';

/** A route handler for POST, as Next calls it. */
export type RevalidateRouteHandler = (request: Request) => Promise<Response>;

const { bodyBytes: maxBytes, keys: MAX_KEYS, keyLength: MAX_KEY_LENGTH } = REVALIDATE_LIMITS;

/** How long a body may take. Anyone can start a request, so a slow one must not stay open. */
const BODY_TIMEOUT_MS = 10_000;

/** How long the client may take to get the change. The config server's webhooks wait 10 s, and the client may have to start. */
const CATCH_UP_MS = 3_000;

/** What the body of a request says. */
interface Change {
  keys: string[] | 'all';
  environment?: unknown;
  revision?: string;
}

/**
 * Creates a route handler that expires the cache entries that contain configuration, at once. The body names the keys that
 * changed, `{"keys":["newCheckout"]}`; without a body, all entries expire. A request needs the secret, as `Authorization:
 * Bearer`, or a signature with it, in the form of Standard Webhooks.
 *
 * Before that, the client fetches the change: a request may be faster than the stream, and a page that is rendered then
 * would be stored with the old value. If the client cannot fetch it, entries stay as they are, and the sender gets 503.
 */
export function createRevalidateRouteHandler<C extends AnyConfig>(
  getClient: () => Promise<ConfigClient<C>>,
  options?: RevalidateOptions,
): RevalidateRouteHandler {
  return async (request) => {
    const secret = revalidateSecret(options);
    if (secret === undefined) {
      return refusal(
        403,
        'Revalidation is off. Set SMOOAI_CONFIG_REVALIDATE_SECRET, at least 16 characters.',
      );
    }
    const body = await readBody(request, { maxBytes, timeoutMs: BODY_TIMEOUT_MS });
    if ('fault' in body) {
      return body.fault === 'too large'
        ? refusal(413, `The body is larger than ${maxBytes} bytes.`)
        : refusal(408, `The body did not arrive within ${BODY_TIMEOUT_MS / 1000} seconds.`);
    }
    const denied = await denialOf(request.headers, secret, body.text);
    if (denied !== undefined) return denied;
    const change = changeIn(body.text);
    if (change === undefined) {
      return refusal(
        400,
        `The body must be empty or {"keys":["name", …]}, with at most ${MAX_KEYS} names of at most ${MAX_KEY_LENGTH} characters.`,
      );
    }
    if (!(await isCaughtUp(getClient, change))) {
      return refusal(503, 'This app cannot fetch the change yet. Send the request again.', {
        'retry-after': '5',
      });
    }
    const { keys } = change;
    for (const tag of keys === 'all' ? [CONFIG_TAG] : keys.map(configTag)) {
      // Not 'max', which would show the old value once more.
      revalidateTag(tag, { expire: 0 });
    }
    return new Response(null, { status: 204, headers: { 'cache-control': 'no-store' } });
  };
}

/** Fetches the change. Returns false if the config server, or its replica, does not have it in time. */
async function isCaughtUp<C extends AnyConfig>(
  getClient: () => Promise<ConfigClient<C>>,
  { environment, revision }: Change,
): Promise<boolean> {
  try {
    const client = await getClient();
    // Revisions of another environment mean something else.
    const isOwn = environment === undefined || environment === client.health().environment;
    await client.refresh({ timeoutMs: CATCH_UP_MS, ...(isOwn && { revision }) });
    return true;
  } catch (error) {
    if (!isConfigError(error)) throw error;
    warnOnce('Cached pages keep old values for now.', error);
    return false;
  }
}

/** Returns the refusal of a request that does not prove that its sender knows the secret. */
async function denialOf(headers: Headers, secret: string, body: string): Promise<Response | undefined> {
  const bearer = /^Bearer +(.+)$/i.exec(headers.get('authorization') ?? '')?.[1];
  if (bearer !== undefined) {
    return (await isSameText(bearer, secret))
      ? undefined
      : refusal(403, 'The secret is not the one of this app.');
  }
  switch (await checkSignature(headers, secret, body)) {
    case 'valid':
      return undefined;
    case 'missing':
      return refusal(401, 'Send the secret as "Authorization: Bearer …", or sign the request.', {
        'www-authenticate': 'Bearer',
      });
    case 'expired':
      return refusal(
        403,
        'The signature is too old, or the clock of its sender is wrong: more than 5 minutes.',
      );
    case 'invalid':
      return refusal(403, 'The signature does not match the secret of this app.');
  }
}

/** Returns what a body says; undefined if it is malformed. */
function changeIn(body: string): Change | undefined {
  if (body.trim() === '') return { keys: 'all' };
  try {
    const named: unknown = JSON.parse(body);
    if (typeof named !== 'object' || named === null || Array.isArray(named)) return undefined;
    const { keys = 'all', environment, revision } = named as { [name in keyof Change]?: unknown };
    const isValid = keys === 'all' || (Array.isArray(keys) && keys.length <= MAX_KEYS && keys.every(isKey));
    if (!isValid) return undefined;
    return { keys, environment, ...(isRevision(revision) && { revision }) };
  } catch {
    return undefined;
  }
}

function isRevision(revision: unknown): revision is string {
  return typeof revision === 'string' && /^\d{1,100}$/.test(revision);
}

function isKey(key: unknown): boolean {
  // A tag cannot contain half of a surrogate pair.
  return typeof key === 'string' && key !== '' && key.length <= MAX_KEY_LENGTH && !/\p{Cs}/u.test(key);
}

function refusal(status: number, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ message }, { status, headers: { 'cache-control': 'no-store', ...headers } });
}
