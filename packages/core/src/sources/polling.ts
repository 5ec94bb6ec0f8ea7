import type { ConfigApi } from '../api/config-api.ts';
import { RequestRejectedError } from '../errors.ts';
import { createBackoff, sleep } from '../http/backoff.ts';
import { isSamePosition } from '../ruleset/ruleset-order.ts';
import type { Ruleset } from '../wire.ts';
import { retryDelayMs } from './retry-delay.ts';
import type { RulesetSink } from './ruleset-source.ts';

export interface PollingOptions {
  /** Polls once. Returns whether to continue; an error counts as a failed attempt. */
  poll: () => Promise<boolean>;
  signal: AbortSignal;
  intervalMs: number;
  /** Waits one interval before the first poll, for a caller that has just fetched; default false. */
  startsWithWait?: boolean;
  /** Called after each successful poll that polling continues after. */
  onSuccess: () => void;
  /** Called after each failed attempt. */
  onFailure: (error: unknown) => void;
}

/** The first wait after a failure; later ones grow up to the interval. */
const RETRY_BASE_MS = 1_000;

/**
 * Polls once per interval until `poll` returns false or the signal aborts. The interval varies by ±10 %, so that
 * processes do not poll in step. After a failure it polls sooner, with a growing wait, but never before the time that
 * the server asked for. Never rejects.
 */
export async function runPolling(options: PollingOptions): Promise<void> {
  const { poll, signal, intervalMs, startsWithWait = false } = options;
  const backoff = createBackoff({ baseMs: Math.min(RETRY_BASE_MS, intervalMs), capMs: intervalMs });
  const jitteredMs = (): number => intervalMs * (0.9 + Math.random() * 0.2);
  if (startsWithWait) await sleep(jitteredMs(), { signal, keepsAlive: false });
  while (!signal.aborted) {
    let waitMs = jitteredMs();
    try {
      const continues = await poll();
      if (signal.aborted || !continues) return;
      backoff.reset();
      options.onSuccess();
    } catch (error) {
      if (signal.aborted) return;
      options.onFailure(error);
      waitMs = retryDelayMs(backoff, error);
    }
    await sleep(waitMs, { signal, keepsAlive: false });
  }
}

export interface RulesetPollOptions {
  api: ConfigApi;
  environment: string;
  sink: RulesetSink;
  signal: AbortSignal;
}

/**
 * A `poll` for {@link runPolling} that fetches the ruleset; the server sends it only if it is not the current one.
 */
export function createRulesetPoll({
  api,
  environment,
  sink,
  signal,
}: RulesetPollOptions): () => Promise<boolean> {
  let etag: string | undefined;
  return async () => {
    const { revision, epoch } = sink;
    // Before the first ETag: the protocol says it is the quoted revision.
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

/** Pushes a whole ruleset, and confirms it if it was accepted. Returns false if it is older than the current one. */
export function pushRuleset(sink: RulesetSink, ruleset: Ruleset): boolean {
  sink.replace(ruleset);
  const { revision, epoch } = sink;
  if (revision !== undefined && !isSamePosition({ revision, epoch }, ruleset)) return false;
  sink.confirm();
  return true;
}

function rulesetGone(environment: string): RequestRejectedError {
  return new RequestRejectedError(
    `The config API no longer has the ruleset of environment "${environment}". Check that the environment exists. If the platform no longer serves rulesets, restart the client.`,
    { status: 404 },
  );
}
