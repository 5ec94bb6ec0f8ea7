import { createBackoff, sleep } from './backoff.ts';
import type { ConfigApi } from './config-api.ts';
import { pauseOf } from './passing-failure.ts';
import { isSamePosition } from './ruleset-order.ts';
import type { RulesetSink } from './ruleset-source.ts';

/** Options of {@link runPolling}. */
export interface PollingOptions {
  api: ConfigApi;
  environment: string;
  sink: RulesetSink;
  signal: AbortSignal;
  intervalMs: number;
  /** Called after each answer of the server. */
  onAnswer: () => void;
  /** Called after each failed attempt. */
  onFailure: (error: unknown) => void;
}

/** The wait after a failure grows from here up to the interval. */
const RETRY_BASE_MS = 1_000;

/** Asks for the ruleset each interval (±10 %, so that processes do not ask together) until the signal aborts. Never rejects. */
export async function runPolling(options: PollingOptions): Promise<void> {
  const { signal, intervalMs } = options;
  const backoff = createBackoff({ baseMs: Math.min(RETRY_BASE_MS, intervalMs), capMs: intervalMs });
  const ask = createPoll(options);
  while (!signal.aborted) {
    let waitMs = intervalMs * (0.9 + Math.random() * 0.2);
    try {
      await ask();
      if (signal.aborted) return;
      backoff.reset();
      options.onAnswer();
    } catch (error) {
      if (signal.aborted) return;
      options.onFailure(error);
      waitMs = Math.max(backoff.next(), pauseOf(error));
    }
    await sleep(waitMs, signal);
  }
}

/** Asks once; the ruleset is sent only where it is another than the one in hand. */
function createPoll({ api, environment, sink, signal }: PollingOptions): () => Promise<void> {
  let etag: string | undefined;
  return async () => {
    const { revision, epoch } = sink;
    // The tag that the protocol gives a revision, until the server's own words are known.
    const known = etag ?? (revision === undefined ? undefined : `"${revision}"`);
    const answer = await api.getRuleset(environment, { etag: known, epoch, signal, retries: 0 });
    if (signal.aborted) return;
    if (answer.status === 'changed') {
      sink.replace(answer.ruleset);
      const inHand = sink.revision;
      const isTaken =
        inHand === undefined || isSamePosition({ revision: inHand, epoch: sink.epoch }, answer.ruleset);
      etag = isTaken ? answer.etag : undefined;
      // What was not taken is older than what is in hand, and confirms nothing.
      if (!isTaken) return;
    }
    sink.confirm();
  };
}
