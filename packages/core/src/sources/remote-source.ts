import { SETTINGS_VARIABLES } from '../environment-variable.ts';
import { RequestRejectedError } from '../errors.ts';
import { createBackoff, sleep } from '../http/backoff.ts';
import { isTransientFailure, retryAfterMsOf } from '../http/transient-failure.ts';
import { runEventStream } from './event-stream.ts';
import { createRulesetPoll, pushRuleset, runPolling } from './polling.ts';
import type { RulesetSink, RulesetSource } from './ruleset-source.ts';
import { apartFromValues, ValuesSource, type ValuesSourceOptions } from './values-source.ts';

/** Options of {@link RemoteSource}. */
export interface RemoteSourceOptions extends ValuesSourceOptions {
  /** Default 45,000: three missed heartbeats. */
  heartbeatTimeoutMs?: number;
  /** How long a stream may take to its first event; default 10,000. */
  openTimeoutMs?: number;
  /** Longest wait between two streams; default 15,000. */
  reconnectCapMs?: number;
}

/** After so many failures in a row polling takes over, until the stream works again. */
const FAILURES_BEFORE_POLLING = 3;

/**
 * The config server: one fetch, then the event stream, and polling while the stream fails. A platform without rulesets
 * is asked for its values instead, by polling, until it has rulesets.
 */
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
    const contract = await this.#fetchFirst(sink, signal);
    const live = new AbortController();
    this.#live = live;
    // All loops catch everything and end with the signal.
    if (contract === undefined) void this.#runLive(sink, live.signal);
    else void this.#runValues(contract, sink, live.signal);
  }

  stop(): void {
    this.#live?.abort();
    this.#live = undefined;
    this.#stopPolling();
  }

  async #fetchFirst(sink: RulesetSink, signal: AbortSignal): Promise<ValuesSource | undefined> {
    const backoff = createBackoff({ baseMs: 100, capMs: 5_000 });
    for (;;) {
      try {
        return await this.#askFirst(sink, signal);
      } catch (error) {
        if (signal.aborted || !isTransientFailure(error)) throw error;
        sink.status('connecting', error);
        await sleep(Math.max(backoff.next(), retryAfterMsOf(error)), { signal, keepsAlive: false });
        if (signal.aborted) throw error;
      }
    }
  }

  /** Answers the source of the platform's values, where it has no rulesets. */
  async #askFirst(sink: RulesetSink, signal: AbortSignal): Promise<ValuesSource | undefined> {
    const { api, environment } = this.#options;
    const answer = await api.getRuleset(environment, { signal, retries: 0 });
    if (answer.status === 'changed') {
      pushRuleset(sink, apartFromValues(answer.ruleset, sink.epoch));
      return undefined;
    }
    const contract = new ValuesSource(this.#options);
    try {
      await contract.ask(sink, signal);
    } catch (error) {
      throw await this.#explainNotFound(error, signal);
    }
    return contract;
  }

  /** The protocol answers 404 both for an unknown environment and where there is no such endpoint. */
  async #explainNotFound(error: unknown, signal: AbortSignal): Promise<unknown> {
    if (!(error instanceof RequestRejectedError) || error.status !== 404) return error;
    const { api, environment } = this.#options;
    const environments = await api.listEnvironments({ signal, retries: 0 }).catch((reason: unknown) => {
      if (isTransientFailure(reason)) throw reason;
      // Who may not list them still learns what was not found.
      throw error;
    });
    const names = environments.map(({ name }) => name);
    if (names.includes(environment)) {
      return new RequestRejectedError(
        'The config API has neither a /ruleset nor a /values endpoint. Check that apiUrl is the base URL of a config API.',
        { status: 404 },
      );
    }
    return new RequestRejectedError(
      `There is no environment "${environment}". Set ${SETTINGS_VARIABLES.environment} to one of: ${names.join(', ')}.`,
      { status: 404 },
    );
  }

  async #runValues(contract: ValuesSource, sink: RulesetSink, signal: AbortSignal): Promise<void> {
    sink.status('polling');
    await contract.run(sink, signal);
    if (!signal.aborted) await this.#runLive(sink, signal);
  }

  #runLive(sink: RulesetSink, signal: AbortSignal): Promise<void> {
    const { api, environment, heartbeatTimeoutMs = 45_000 } = this.#options;
    const { openTimeoutMs = 10_000, reconnectCapMs = 15_000 } = this.#options;
    let failures = 0;
    return runEventStream({
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
    const { signal } = polling;
    void runPolling({
      ask: createRulesetPoll({ api, environment, sink, signal }),
      signal,
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
