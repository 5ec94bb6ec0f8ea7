import { createBackoff, sleep } from './backoff.ts';
import type { ConfigApi } from './config-api.ts';
import { SETTINGS_VARIABLES } from './environment-variable.ts';
import { isConfigError, RequestRejectedError, ResponseMalformedError } from './errors.ts';
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
    for (;;) {
      try {
        const answer = await api.getRuleset(environment, { signal, retries: 0 });
        if (answer.status !== 'changed') throw await this.#explainNotFound(signal);
        sink.replace(answer.ruleset);
        sink.confirm();
        return;
      } catch (error) {
        if (signal.aborted || !isWorthRetrying(error)) throw error;
        sink.status('connecting', error);
        await sleep(backoff.next(), signal);
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
    let failures = 0;
    return runStream({
      api,
      environment,
      sink,
      signal,
      heartbeatTimeoutMs,
      onOpen: () => {
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

/** A refusal stays one; a server that is away, busy or broken may come back. */
function isWorthRetrying(error: unknown): boolean {
  const passing = ['ERR_REQUEST_TRANSPORT', 'ERR_TOKEN_TRANSPORT', 'ERR_TOKEN_THROTTLED'] as const;
  if (passing.some((code) => isConfigError(error, code))) return true;
  if (isConfigError(error, 'ERR_REQUEST_REJECTED') || isConfigError(error, 'ERR_TOKEN_REJECTED')) {
    const { status } = error as unknown as Pick<RequestRejectedError, 'status'>;
    return status === 408 || status === 429 || status >= 500;
  }
  return false;
}
