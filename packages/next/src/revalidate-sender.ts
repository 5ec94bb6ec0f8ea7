import { signatureHeaders } from './signature.ts';

/** Waits between attempts, in milliseconds. The first request may be sent before Next listens. */
const RETRY_MS = [1_000, 2_000, 5_000, 10_000, 30_000, 60_000] as const;
const TIMEOUT_MS = 10_000;

/** Statuses that another attempt would not change: the secret or the URL is wrong. */
const PERMANENT = new Set([400, 401, 403, 404, 405, 413]);

/** Sends signed requests to the app's own route. Changes that arrive meanwhile are sent together. */
export class RevalidateSender {
  readonly #url: string;
  readonly #secret: string;
  readonly #closing = new AbortController();
  #keys = new Set<string>();
  #isAll = false;
  #isSending = false;

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
      const [isAll, keys] = [this.#isAll, [...this.#keys]];
      [this.#isAll, this.#keys] = [false, new Set()];
      const failure = await this.#post(isAll ? '' : JSON.stringify({ keys }));
      if (failure === undefined) {
        attempts = 0;
        continue;
      }
      const wait = failure.isPermanent ? undefined : RETRY_MS[attempts++];
      if (wait === undefined) {
        this.#warn(failure.message);
        break;
      }
      this.#isAll ||= isAll;
      for (const key of keys) this.#keys.add(key);
      await this.#pause(wait);
    }
    this.#isSending = false;
  }

  /** Resolves with the reason of a failure; undefined if the entries have expired. */
  async #post(body: string): Promise<{ message: string; isPermanent: boolean } | undefined> {
    try {
      const response = await unpatchedFetch()(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(await signatureHeaders(this.#secret, body)) },
        body,
        redirect: 'error',
        signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), this.#closing.signal]),
      });
      await response.body?.cancel();
      if (response.ok) return undefined;
      return { message: `the status was ${response.status}`, isPermanent: PERMANENT.has(response.status) };
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
    return new Promise((resolve) => {
      const timer: unknown = setTimeout(resolve, ms);
      (timer as { unref?: () => void }).unref?.();
      this.#closing.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}

/** The `fetch` under the one that Next patches: within a render, that one would make the request a part of the page. */
function unpatchedFetch(): typeof globalThis.fetch {
  const current = globalThis.fetch as typeof globalThis.fetch & {
    _nextOriginalFetch?: typeof globalThis.fetch;
  };
  return current._nextOriginalFetch ?? current;
}
