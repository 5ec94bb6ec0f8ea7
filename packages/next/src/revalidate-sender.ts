import { REVALIDATE_LIMITS } from './revalidate-settings.ts';
import { signatureHeaders } from './signature.ts';

/** Waits between attempts, in milliseconds. The first request may be sent before Next listens. */
const RETRY_MS = [1_000, 2_000, 5_000, 10_000, 30_000, 60_000] as const;
const TIMEOUT_MS = 10_000;

/** Statuses that another attempt would not change: the secret or the URL is wrong. */
const PERMANENT = new Set([301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 413]);

/** A failed request, and whether another attempt would fail too. */
interface Failure {
  message: string;
  isPermanent: boolean;
}

/** Sends signed requests to the app's own route. Changes that arrive meanwhile are sent together. */
export class RevalidateSender {
  readonly #url: string;
  readonly #secret: string;
  readonly #closing = new AbortController();
  #keys = new Set<string>();
  #isAll = false;
  #isSending = false;
  /** Whether requests were given up, so that entries of unknown keys have old values. */
  #hasMissed = false;

  constructor(url: string, secret: string) {
    this.#url = url;
    this.#secret = secret;
  }

  /** Expires the entries of these keys, now or when the route can be reached. Never throws. */
  send(keys: readonly string[] | 'all'): void {
    if (keys === 'all') this.#isAll = true;
    else for (const key of keys) this.#keys.add(key);
    if (this.#isSending) return;
    this.#isSending = true;
    void this.#sendAll();
  }

  /** Ends the waits and the request under way. */
  close(): void {
    this.#closing.abort();
  }

  async #sendAll(): Promise<void> {
    let attempts = 0;
    while ((this.#isAll || this.#keys.size > 0) && !this.#closing.signal.aborted) {
      const [isAll, keys] = [this.#isAll || this.#hasMissed, [...this.#keys]];
      [this.#isAll, this.#keys] = [false, new Set()];
      const failure = await this.#post(isAll ? '' : bodyOf(keys));
      const wait = failure === undefined || failure.isPermanent ? undefined : RETRY_MS[attempts++];
      if (wait === undefined) {
        // Changes of the meantime have their own attempts.
        attempts = 0;
        this.#hasMissed = failure !== undefined;
        if (failure !== undefined) this.#warn(failure.message);
        continue;
      }
      this.#isAll ||= isAll;
      for (const key of keys) this.#keys.add(key);
      await this.#pause(wait);
    }
    this.#isSending = false;
  }

  /** Resolves with the reason of a failure; undefined if the entries have expired. */
  async #post(body: string): Promise<Failure | undefined> {
    if (!isHttp(this.#url))
      return { message: 'the URL must start with http:// or https://', isPermanent: true };
    try {
      const response = await unpatchedFetch()(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(await signatureHeaders(this.#secret, body)) },
        body,
        // The redirected request may have lost its body or its headers.
        redirect: 'manual',
        signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), this.#closing.signal]),
      });
      await response.body?.cancel();
      if (response.ok) return undefined;
      const { status } = response;
      const hint = status < 400 ? ', a redirect: set the URL to which it leads' : '';
      return { message: `the status was ${status}${hint}`, isPermanent: PERMANENT.has(status) };
    } catch {
      return { message: 'it could not be reached', isPermanent: false };
    }
  }

  #warn(reason: string): void {
    if (this.#closing.signal.aborted) return;
    // biome-ignore lint/suspicious/noConsole: otherwise, pages with old values have no explanation
    console.warn(
      `@smooai/config-next: cache entries keep old values, because the request to SMOOAI_CONFIG_REVALIDATE_URL failed: ${reason}.`,
    );
  }

  /** Keeps no process alive. */
  #pause(ms: number): Promise<void> {
    const { signal } = this.#closing;
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      (timer as { unref?: () => void }).unref?.();
      signal.addEventListener('abort', end);
    });
  }
}

/** Returns the body for some keys; an empty one, for all, if the route would refuse it as too large. */
function bodyOf(keys: string[]): string {
  const body = JSON.stringify({ keys });
  const fits =
    keys.length <= REVALIDATE_LIMITS.keys &&
    keys.every((key) => key.length <= REVALIDATE_LIMITS.keyLength) &&
    new TextEncoder().encode(body).byteLength <= REVALIDATE_LIMITS.bodyBytes;
  return fits ? body : '';
}

/** A URL without a scheme, such as `localhost:3000/api`, is one whose scheme is `localhost:`. */
function isHttp(url: string): boolean {
  try {
    return /^https?:$/.test(new URL(url).protocol);
  } catch {
    return false;
  }
}

/** The `fetch` under the one that Next patches: within a render, that one would make the request a part of the page. */
function unpatchedFetch(): typeof globalThis.fetch {
  const current = globalThis.fetch as typeof globalThis.fetch & {
    _nextOriginalFetch?: typeof globalThis.fetch;
  };
  return current._nextOriginalFetch ?? current;
}
