import { createBackoff, sleep } from './backoff.ts';
import type { ConfigApi } from './config-api.ts';
import { SETTINGS_VARIABLES } from './environment-variable.ts';
import { RequestRejectedError, ResponseMalformedError } from './errors.ts';
import { isPassingFailure, pauseOf } from './passing-failure.ts';
import { runPolling } from './polling-source.ts';
import type { RulesetSink, RulesetSource } from './ruleset-source.ts';
import { runStream } from './stream-source.ts';

/** Options of {@link RemoteSource}. */
export interface RemoteSourceOptions {
  api: ConfigApi;
  environment: string;
  /** Default 30,000. */
  pollIntervalMs?: number;
  /** Default 45,000: three missed heartbeats. */
  heartbeatTimeoutMs?: number;
  /** How long a stream may take to its first event; default 10,000. */
  openTimeoutMs?: number;
  /** Longest wait between two streams; default 15,000. */
  reconnectCapMs?: number;
}

/** After so many failures in a row polling takes over, until the stream works again. */
const FAILURES_BEFORE_POLLING = 3;

/** The config server: one fetch, then the event stream, and polling while the stream fails. */
export class RemoteSource implements RulesetSource {
  readonly #options: RemoteSourceOptions;
  #live: AbortController | undefined;
  #polling: AbortController | undefined;

  constructor(options: RemoteSourceOptions) {
    this.#options = options;
  }

  /** @throws {RequestRejectedError} for a 4xx at once; other failures are retried until the signal aborts. */
  async start(sink: RulesetSink, signal: AbortSignal): Promise<void> {
    this.stop();
    sink.status('connecting');
    await this.#fetchFirst(sink, signal);
    const live = new AbortController();
    this.#live = live;
    // Both loops catch everything and end with the signal.
    void this.#runLive(sink, live.signal);
  }

  stop(): void {
    this.#live?.abort();
    this.#live = undefined;
    this.#stopPolling();
  }

  async #fetchFirst(sink: RulesetSink, signal: AbortSignal): Promise<void> {
    const { api, environment } = this.#options;
    const backoff = createBackoff({ baseMs: 100, capMs: 5_000 });
    let refusal: Error | undefined;
    for (;;) {
      try {
        const answer = await api.getRuleset(environment, { signal, retries: 0 });
        if (answer.status !== 'changed') {
          refusal = await this.#explainNotFound(signal);
          throw refusal;
        }
        sink.replace(answer.ruleset);
        sink.confirm();
        return;
      } catch (error) {
        if (signal.aborted || error === refusal || !isPassingFailure(error)) throw error;
        sink.status('connecting', error);
        await sleep(Math.max(backoff.next(), pauseOf(error)), signal);
        if (signal.aborted) throw error;
      }
    }
  }

  /** The protocol answers 404 both for an unknown environment and where there are no rulesets. */
  async #explainNotFound(signal: AbortSignal): Promise<Error> {
    const { api, environment } = this.#options;
    const names = (await api.listEnvironments({ signal, retries: 0 })).map(({ name }) => name);
    if (names.includes(environment)) {
      return new ResponseMalformedError(
        'The config API has no /ruleset endpoint, which this client needs. Check the API URL, and that a config server answers there.',
      );
    }
    return new RequestRejectedError(
      `There is no environment "${environment}". Set ${SETTINGS_VARIABLES.environment} to one of: ${names.join(', ')}.`,
      { status: 404 },
    );
  }

  #runLive(sink: RulesetSink, signal: AbortSignal): Promise<void> {
    const { api, environment, heartbeatTimeoutMs = 45_000 } = this.#options;
    const { openTimeoutMs = 10_000, reconnectCapMs = 15_000 } = this.#options;
    let failures = 0;
    return runStream({
      api,
      environment,
      sink,
      signal,
      heartbeatTimeoutMs,
      openTimeoutMs,
      reconnectCapMs,
      onWorking: () => {
        failures = 0;
        this.#stopPolling();
        sink.status('stream');
      },
      onLost: (error) => {
        failures += 1;
        if (this.#polling === undefined) sink.status('disconnected', error);
        if (failures >= FAILURES_BEFORE_POLLING) this.#startPolling(sink, signal);
      },
    });
  }

  #startPolling(sink: RulesetSink, live: AbortSignal): void {
    if (this.#polling !== undefined || live.aborted) return;
    const polling = new AbortController();
    this.#polling = polling;
    const { api, environment, pollIntervalMs = 30_000 } = this.#options;
    void runPolling({
      api,
      environment,
      sink,
      signal: polling.signal,
      intervalMs: pollIntervalMs,
      onAnswer: () => sink.status('polling'),
      onFailure: (error) => sink.status('disconnected', error),
    });
  }

  #stopPolling(): void {
    this.#polling?.abort();
    this.#polling = undefined;
  }
}
