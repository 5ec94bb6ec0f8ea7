import { SETTINGS_VARIABLES, settingName } from '../environment-variable.ts';
import { RequestRejectedError } from '../errors.ts';
import { createBackoff, sleep } from '../http/backoff.ts';
import { onAbort } from '../http/on-abort.ts';
import { isTransientFailure } from '../http/transient-failure.ts';
import { createRulesetPoll, pushRuleset, runPolling } from './polling.ts';
import { retryDelayMs } from './retry-delay.ts';
import type { RulesetSink, RulesetSource } from './ruleset-source.ts';
import { runStreaming } from './streaming.ts';
import { separateEpoch, ValuesSource, type ValuesSourceOptions } from './values-source.ts';

export interface RemoteSourceOptions extends ValuesSourceOptions {
  /**
   * Milliseconds without an event or heartbeat after which a stream is given up; default 45,000, three heartbeats.
   */
  heartbeatTimeoutMs?: number;
  /** Milliseconds that a stream may take to its first event or heartbeat; default 10,000. */
  openTimeoutMs?: number;
  /** Longest wait in milliseconds between two attempts to open a stream; default 15,000. */
  reconnectCapMs?: number;
}

/** Failed streams in a row before polling takes over, until a stream works again. */
const FAILURES_BEFORE_POLLING = 3;

/**
 * Follows the config server: fetches the ruleset once, then reads the event stream, and polls while the stream
 * fails. If the platform does not serve rulesets, it polls the values instead until it does.
 */
export class RemoteSource implements RulesetSource {
  readonly #options: RemoteSourceOptions;
  /** Ends what the latest start began. */
  #stop: () => void = () => undefined;
  /** Fetches once what the server has: rulesets or values. */
  #poll: (signal: AbortSignal) => Promise<unknown> = () => Promise.resolve();

  constructor(options: RemoteSourceOptions) {
    this.#options = options;
  }

  /** @throws {RequestRejectedError} at once for a 4xx; other failures are retried until the signal aborts. */
  async start(sink: RulesetSink, signal: AbortSignal): Promise<void> {
    this.stop();
    sink.status('connecting');
    const values = await this.#fetchUntilPushed(sink, signal);
    const live = linkedController(signal);
    this.#stop = () => live.abort();
    this.#poll = values === undefined ? this.#rulesetPoll(sink) : (ending) => values.poll(sink, ending);
    // These loops never reject, and end with the signal.
    if (values === undefined) void this.#runStream(sink, live.signal);
    else void this.#runValues(values, sink, live.signal);
  }

  async refresh(signal: AbortSignal): Promise<void> {
    await this.#poll(signal);
  }

  stop(): void {
    this.#stop();
  }

  #rulesetPoll(sink: RulesetSink): (signal: AbortSignal) => Promise<unknown> {
    const { api, environment } = this.#options;
    return (signal) => createRulesetPoll({ api, environment, sink, signal })();
  }

  async #fetchUntilPushed(sink: RulesetSink, signal: AbortSignal): Promise<ValuesSource | undefined> {
    const backoff = createBackoff({ baseMs: 100, capMs: 5_000 });
    for (;;) {
      try {
        return await this.#fetchOnce(sink, signal);
      } catch (error) {
        if (signal.aborted || !isTransientFailure(error)) throw error;
        sink.status('connecting', error);
        await sleep(retryDelayMs(backoff, error), { signal, keepsAlive: false });
        if (signal.aborted) throw error;
      }
    }
  }

  /** Pushes the ruleset; if the platform does not serve rulesets, pushes its values and returns their source. */
  async #fetchOnce(sink: RulesetSink, signal: AbortSignal): Promise<ValuesSource | undefined> {
    const { api, environment } = this.#options;
    const answer = await api.getRuleset(environment, { signal, retries: 0 });
    if (answer.status === 'changed') {
      pushRuleset(sink, separateEpoch(answer.ruleset, sink.epoch));
      return undefined;
    }
    const values = new ValuesSource(this.#options);
    try {
      await values.poll(sink, signal);
    } catch (error) {
      throw await this.#explainNotFound(error, signal);
    }
    return values;
  }

  /** A 404 means either an unknown environment or a missing endpoint. The list of environments shows which. */
  async #explainNotFound(error: unknown, signal: AbortSignal): Promise<unknown> {
    if (!(error instanceof RequestRejectedError) || error.status !== 404) return error;
    const { api, environment } = this.#options;
    const environments = await api.listEnvironments({ signal, retries: 0 }).catch((reason: unknown) => {
      if (isTransientFailure(reason)) throw reason;
      // A client that may not list environments still gets the original error.
      throw error;
    });
    const names = environments.map(({ name }) => name);
    if (names.includes(environment)) {
      return new RequestRejectedError(
        `The config API has neither a /ruleset nor a /values endpoint. Check that ${settingName('apiUrl')} is the base URL of a config API.`,
        { status: 404 },
      );
    }
    return new RequestRejectedError(
      `The environment "${environment}" does not exist. Set ${SETTINGS_VARIABLES.environment} to one of: ${names.join(', ')}.`,
      { status: 404 },
    );
  }

  async #runValues(values: ValuesSource, sink: RulesetSink, signal: AbortSignal): Promise<void> {
    sink.status('polling');
    await values.run(sink, signal);
    if (signal.aborted) return;
    this.#poll = this.#rulesetPoll(sink);
    await this.#runStream(sink, signal);
  }

  #runStream(sink: RulesetSink, signal: AbortSignal): Promise<void> {
    const { api, environment, heartbeatTimeoutMs = 45_000 } = this.#options;
    const { openTimeoutMs = 10_000, reconnectCapMs = 15_000 } = this.#options;
    let failures = 0;
    let polling: AbortController | undefined;
    return runStreaming({
      api,
      environment,
      sink,
      signal,
      heartbeatTimeoutMs,
      openTimeoutMs,
      reconnectCapMs,
      onOpen: () => {
        failures = 0;
        polling?.abort();
        polling = undefined;
        sink.status('stream');
      },
      onLost: (error) => {
        failures += 1;
        if (polling === undefined) sink.status('disconnected', error);
        if (failures < FAILURES_BEFORE_POLLING || polling !== undefined) return;
        polling = linkedController(signal);
        this.#startPolling(sink, polling.signal);
      },
    });
  }

  #startPolling(sink: RulesetSink, signal: AbortSignal): void {
    const { api, environment, pollIntervalMs = 30_000 } = this.#options;
    void runPolling({
      poll: createRulesetPoll({ api, environment, sink, signal }),
      signal,
      intervalMs: pollIntervalMs,
      onSuccess: () => sink.status('polling'),
      onFailure: (error) => sink.status('disconnected', error),
    });
  }
}

/** A controller that aborts with `signal`, or on its own. */
function linkedController(signal: AbortSignal): AbortController {
  const controller = new AbortController();
  if (signal.aborted) {
    controller.abort();
    return controller;
  }
  const removeListener = onAbort(signal, () => controller.abort());
  onAbort(controller.signal, removeListener);
  return controller;
}
