import { LONGEST_TIMEOUT_MS, unref } from '../http/backoff.ts';
import { Moment } from '../http/moment.ts';
import type { ConnectionStatus } from '../sources/ruleset-source.ts';

/**
 * - `starting`: waiting for the first values.
 * - `ready`: the values are live.
 * - `stale`: the server cannot be reached; the last good values are served.
 * - `failed`: the start failed, or the values are older than `maxStalenessMs`; they are still served.
 * - `closed`: `close()` was called.
 */
export type ClientStatus = 'starting' | 'ready' | 'stale' | 'failed' | 'closed';

/** The phase of a `ClientState`. */
export type ClientPhase = 'idle' | Exclude<ClientStatus, 'stale'>;

export interface StatusMonitorOptions {
  maxStalenessMs: number | undefined;
  /** Returns the phase of the client. Call `update()` when it has changed. */
  phase: () => ClientPhase;
  onChange: (status: ClientStatus, previous: ClientStatus) => void;
}

/** Derives a client's status from its phase, its connection and the age of its values. */
export class StatusMonitor {
  readonly #options: StatusMonitorOptions;
  #connection: ConnectionStatus = 'connecting';
  #isServerConfirmed = false;
  #confirmed: { moment: Moment; ageMs: number } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reported: ClientStatus = 'starting';

  constructor(options: StatusMonitorOptions) {
    this.#options = options;
  }

  get connection(): ConnectionStatus {
    return this.#connection;
  }

  get status(): ClientStatus {
    const phase = this.#options.phase();
    if (phase === 'idle') return 'starting';
    if (phase !== 'ready') return phase;
    if (this.#isTooOld()) return 'failed';
    return this.#isServerConfirmed && this.#connection !== 'disconnected' ? 'ready' : 'stale';
  }

  /**
   * Milliseconds since the server last confirmed the values. For values from the disk copy, it confirmed them to the
   * process that wrote the copy.
   */
  get ageMs(): number | undefined {
    if (this.#confirmed === undefined) return undefined;
    return Math.round(this.#confirmed.moment.elapsedMs() + this.#confirmed.ageMs);
  }

  setConnection(connection: ConnectionStatus): void {
    this.#connection = connection;
    this.update();
  }

  /** The server sent values, or confirmed the current ones. */
  confirm(): void {
    this.#isServerConfirmed = true;
    this.#confirmed = { moment: new Moment(), ageMs: 0 };
    this.update();
  }

  /** @param ageMs - how long ago the values of the disk copy were confirmed. */
  loadedFromCache(ageMs: number): void {
    if (!this.#isServerConfirmed) this.#confirmed = { moment: new Moment(), ageMs };
  }

  #isTooOld(): boolean {
    const { maxStalenessMs } = this.#options;
    const { ageMs } = this;
    return maxStalenessMs !== undefined && ageMs !== undefined && ageMs > maxStalenessMs;
  }

  /** Reports the status if it has changed, and watches the age of the values while they are live. */
  update(): void {
    const { status } = this;
    const previous = this.#reported;
    if (status !== previous) {
      this.#reported = status;
      this.#options.onChange(status, previous);
    }
    if (status === 'closed') clearTimeout(this.#timer);
    else if (this.#timer === undefined) this.#watch();
  }

  /** Updates when the values may have become too old. Confirmations do not reset the timer. */
  #watch(): void {
    const { maxStalenessMs } = this.#options;
    const { ageMs } = this;
    if (maxStalenessMs === undefined || ageMs === undefined || this.#options.phase() !== 'ready') return;
    const leftMs = maxStalenessMs - ageMs;
    if (leftMs < 0) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.update();
      },
      Math.min(leftMs + 1, LONGEST_TIMEOUT_MS),
    );
    unref(this.#timer);
  }
}
