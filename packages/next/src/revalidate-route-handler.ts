import { revalidateTag } from 'next/cache';
import { CONFIG_TAG, configTag } from './cache-scope.ts';
import { readBody } from './request-body.ts';
import { REVALIDATE_LIMITS, type RevalidateOptions, revalidateSecret } from './revalidate-settings.ts';
import { checkSignature, isSameText } from './signature.ts';

/** A route handler for POST, as Next calls it. */
export type RevalidateRouteHandler = (request: Request) => Promise<Response>;

const { bodyBytes: maxBytes, keys: MAX_KEYS, keyLength: MAX_KEY_LENGTH } = REVALIDATE_LIMITS;

/** How long a body may take. Anyone can start a request, so a slow one must not stay open. */
const BODY_TIMEOUT_MS = 10_000;

/**
 * Creates a route handler that expires the cache entries that contain configuration, at once. The body names the keys that
 * changed, `{"keys":["newCheckout"]}`; without a body, all entries expire. A request needs the secret, as `Authorization:
 * Bearer`, or a signature with it, in the form of Standard Webhooks.
 */
export function createRevalidateRouteHandler(options?: RevalidateOptions): RevalidateRouteHandler {
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
    const keys = keysIn(body.text);
    if (keys === undefined) {
      return refusal(
        400,
        `The body must be empty or {"keys":["name", …]}, with at most ${MAX_KEYS} names of at most ${MAX_KEY_LENGTH} characters.`,
      );
    }
    for (const tag of keys === 'all' ? [CONFIG_TAG] : keys.map(configTag)) {
      // Not 'max', which would show the old value once more.
      revalidateTag(tag, { expire: 0 });
    }
    return new Response(null, { status: 204, headers: { 'cache-control': 'no-store' } });
  };
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

/** Returns the keys that a body names; undefined if it is malformed. */
function keysIn(body: string): string[] | 'all' | undefined {
  if (body.trim() === '') return 'all';
  try {
    const named: unknown = JSON.parse(body);
    if (typeof named !== 'object' || named === null || Array.isArray(named)) return undefined;
    const { keys = 'all' } = named as { keys?: unknown };
    if (keys === 'all') return keys;
    const isValid = Array.isArray(keys) && keys.length <= MAX_KEYS && keys.every(isKey);
    return isValid ? (keys as string[]) : undefined;
  } catch {
    return undefined;
  }
}

function isKey(key: unknown): boolean {
  return typeof key === 'string' && key !== '' && key.length <= MAX_KEY_LENGTH;
}

function refusal(status: number, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ message }, { status, headers: { 'cache-control': 'no-store', ...headers } });
}
