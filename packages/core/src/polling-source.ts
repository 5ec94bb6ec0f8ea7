import { sleep } from './backoff.ts';
import type { ConfigApi } from './config-api.ts';
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

/** Asks for the ruleset each interval (±10 %, so that processes do not ask together) until the signal aborts. Never rejects. */
export async function runPolling(options: PollingOptions): Promise<void> {
  const { api, environment, sink, signal } = options;
  let etag: string | undefined;
  while (!signal.aborted) {
    try {
      const answer = await api.getRuleset(environment, {
        ...(etag !== undefined && { etag }),
        signal,
        retries: 0,
      });
      if (signal.aborted) return;
      if (answer.status === 'changed') {
        etag = answer.etag;
        sink.replace(answer.ruleset);
      }
      sink.confirm();
      options.onAnswer();
    } catch (error) {
      if (!signal.aborted) options.onFailure(error);
    }
    await sleep(options.intervalMs * (0.9 + Math.random() * 0.2), signal);
  }
}
