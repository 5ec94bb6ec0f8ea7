import { ClientClosedError, OptionsError, RequestTransportError } from '../errors.ts';
import { createBackoff, sleep } from '../http/backoff.ts';
import { Deadline } from '../http/deadline.ts';
import { ExchangeFailure } from '../http/exchange-failure.ts';
import { onAbort } from '../http/on-abort.ts';
import { isTransientFailure } from '../http/transient-failure.ts';
import { checkMilliseconds } from '../lib/option-checks.ts';
import { isOlderRevision } from '../lib/revision.ts';
import type { RulesetStore } from '../ruleset/ruleset-store.ts';
import { retryDelayMs } from '../sources/retry-delay.ts';
import type { ClientLifecycle } from './lifecycle.ts';

/** Options of `client.refresh()`. */
export interface RefreshOptions {
  /** The revision to wait for, such as that of a webhook. Default: that of the next response. */
  revision?: string | undefined;
  /** How long this call waits, in milliseconds; default 10,000. */
  timeoutMs?: number | undefined;
  /** Ends the wait. */
  signal?: AbortSignal | undefined;
}

/** A client that {@link refresh} is called for. */
export interface RefreshedClient {
  readonly store: Pick<RulesetStore, 'live'>;
  readonly lifecycle: Pick<ClientLifecycle, 'signal' | 'ready' | 'fetchOnce'>;
}

const TIMEOUT_MS = 10_000;

/** Waits between two attempts. A server that is behind the others of its database catches up within moments. */
const BACKOFF = { baseMs: 100, capMs: 1_000 };

/** Fetches the values now, and again until they have the revision. See `ConfigClient.refresh`. */
export async function refresh(client: RefreshedClient, options: RefreshOptions): Promise<void> {
  const { revision, timeoutMs = TIMEOUT_MS, signal } = options;
  checkMilliseconds('timeoutMs', timeoutMs);
  if (revision !== undefined && !/^\d+$/.test(revision)) {
    throw new OptionsError('revision', '"revision" must be a string of decimal digits.');
  }
  const deadline = new Deadline({ timeoutMs, signal });
  const removeListener = onAbort(client.lifecycle.signal, () => deadline.extend(0));
  try {
    if (deadline.over !== undefined) throw deadline.over;
    await deadline.race(client.lifecycle.ready(timeoutMs));
    if (hasReached(client, revision)) return;
    await fetchUntil(client, revision, deadline);
    // A closed client has nothing to fetch either.
    if (client.lifecycle.signal.aborted) throw new ClientClosedError();
  } catch (error) {
    if (client.lifecycle.signal.aborted) throw new ClientClosedError();
    throw error instanceof ExchangeFailure ? unreached(client, options, error) : error;
  } finally {
    removeListener();
    deadline.end();
  }
}

async function fetchUntil(
  client: RefreshedClient,
  revision: string | undefined,
  deadline: Deadline,
): Promise<void> {
  const backoff = createBackoff(BACKOFF);
  for (;;) {
    let failure: unknown;
    try {
      const isFetched = await deadline.race(client.lifecycle.fetchOnce(deadline.signal));
      if (!isFetched || revision === undefined || hasReached(client, revision)) return;
    } catch (error) {
      if (deadline.over !== undefined || !isTransientFailure(error)) throw deadline.over ?? error;
      failure = error;
    }
    const waitMs = retryDelayMs(backoff, failure);
    // The failure says more than that the time is up.
    if (failure !== undefined && waitMs >= deadline.remainingMs) throw failure;
    await deadline.race(sleep(waitMs, { signal: deadline.signal }));
  }
}

function hasReached(client: RefreshedClient, revision: string | undefined): boolean {
  const current = client.store.live?.revision;
  return revision !== undefined && current !== undefined && !isOlderRevision(current, revision);
}

function unreached(
  client: RefreshedClient,
  { revision, timeoutMs = TIMEOUT_MS }: RefreshOptions,
  { kind: reason }: ExchangeFailure,
): RequestTransportError {
  const has = `It has revision ${client.store.live?.revision ?? '(none)'}.`;
  const wanted = revision === undefined ? 'the newest values' : `revision ${revision}`;
  const message =
    reason === 'aborted'
      ? `The refresh was aborted before the config client had ${wanted}. ${has}`
      : `The config client did not get ${wanted} within ${timeoutMs} ms. ${has} Check the network and the config server, or pass a longer timeoutMs.`;
  return new RequestTransportError(message, { reason });
}
