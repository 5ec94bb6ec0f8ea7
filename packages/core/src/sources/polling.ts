import type { ConfigApi } from '../api/config-api.ts';
import { RequestRejectedError } from '../errors.ts';
import { createBackoff, sleep } from '../http/backoff.ts';
import { retryAfterMsOf } from '../http/transient-failure.ts';
import { isSamePosition } from '../ruleset/ruleset-order.ts';
import type { Ruleset } from '../wire.ts';
import type { RulesetSink } from './ruleset-source.ts';

/** Options of {@link runPolling}. */
export interface PollingOptions {
  /** Asks once and answers whether to go on; what it throws is a failed attempt. */
  ask: () => Promise<boolean>;
  signal: AbortSignal;
  intervalMs: number;
  /** Waits an interval before it asks first, for who has just asked; default false. */
  isFresh?: boolean;
  /** Called after each answer of the server but the last. */
  onAnswer: () => void;
  /** Called after each failed attempt. */
  onFailure: (error: unknown) => void;
}

/** The wait after a failure grows from here up to the interval. */
const RETRY_BASE_MS = 1_000;

/**
 * Asks each interval (±10 %, so that processes do not ask together) until there is no more to ask or the signal aborts;
 * after a failure sooner, at growing distances, but never before the server wants it. Never rejects.
 */
export async function runPolling(options: PollingOptions): Promise<void> {
  const { ask, signal, intervalMs, isFresh = false } = options;
  const backoff = createBackoff({ baseMs: Math.min(RETRY_BASE_MS, intervalMs), capMs: intervalMs });
  const restMs = (): number => intervalMs * (0.9 + Math.random() * 0.2);
  if (isFresh) await sleep(restMs(), { signal, keepsAlive: false });
  while (!signal.aborted) {
    let waitMs = restMs();
    try {
      const goesOn = await ask();
      if (signal.aborted || !goesOn) return;
      backoff.reset();
      options.onAnswer();
    } catch (error) {
      if (signal.aborted) return;
      options.onFailure(error);
      waitMs = Math.max(backoff.next(), retryAfterMsOf(error));
    }
    await sleep(waitMs, { signal, keepsAlive: false });
  }
}

/** What {@link createRulesetPoll} takes. */
export interface RulesetPollOptions {
  api: ConfigApi;
  environment: string;
  sink: RulesetSink;
  signal: AbortSignal;
}

/** Asks for the ruleset once, for {@link runPolling}; it is sent only where it is another than the one in hand. */
export function createRulesetPoll({
  api,
  environment,
  sink,
  signal,
}: RulesetPollOptions): () => Promise<boolean> {
  let etag: string | undefined;
  return async () => {
    const { revision, epoch } = sink;
    // The tag that the protocol gives a revision, until the server's own words are known.
    const known = etag ?? (revision === undefined ? undefined : `"${revision}"`);
    const answer = await api.getRuleset(environment, { etag: known, epoch, signal, retries: 0 });
    if (signal.aborted) return false;
    if (answer.status === 'unsupported') throw rulesetGone(environment);
    if (answer.status === 'changed') {
      etag = pushRuleset(sink, answer.ruleset) ? answer.etag : undefined;
    } else {
      sink.confirm();
    }
    return true;
  };
}

/** Pushes a whole ruleset; answers whether it was taken. Where not it is older than what is in hand, and confirms nothing. */
export function pushRuleset(sink: RulesetSink, ruleset: Ruleset): boolean {
  sink.replace(ruleset);
  const { revision, epoch } = sink;
  if (revision !== undefined && !isSamePosition({ revision, epoch }, ruleset)) return false;
  sink.confirm();
  return true;
}

function rulesetGone(environment: string): RequestRejectedError {
  return new RequestRejectedError(
    `The config API no longer has the ruleset of environment "${environment}". Check that the environment exists; where the platform has no rulesets any more, start the client anew.`,
    { status: 404 },
  );
}
