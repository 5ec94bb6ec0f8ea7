import { LONGEST_TIMEOUT_MS, unref } from '../http/backoff.ts';
import { Moment } from '../http/moment.ts';
import type { SourceStatus } from '../sources/ruleset-source.ts';

/**
 * `stale`: the last good values are served, but the server is not heard of. `failed`: the start failed, or the values
 * are older than `maxStalenessMs`.
 */
export type ClientStatus = 'starting' | 'ready' | 'stale' | 'failed' | 'closed';

/** What a {@link StatusMonitor} takes. */
export interface StatusMonitorOptions {
  maxStalenessMs: number | undefined;
  onChange: (status: ClientStatus, previous: ClientStatus) => void;
}

/** How a client stands: the phase of its life, its connection, and the age of its values. */
export class StatusMonitor {
  readonly #options: StatusMonitorOptions;
  #phase: 'starting' | 'ready' | 'failed' | 'closed' = 'starting';
  #connection: SourceStatus = 'connecting';
  #isHeard = false;
  #confirmed: { moment: Moment; ageMs: number } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #told: ClientStatus = 'starting';

  constructor(options: StatusMonitorOptions) {
    this.#options = options;
  }

  get phase(): 'starting' | 'ready' | 'failed' | 'closed' {
    return this.#phase;
  }

  get connection(): SourceStatus {
    return this.#connection;
  }

  get status(): ClientStatus {
    if (this.#phase !== 'ready') return this.#phase;
    if (this.#isTooOld()) return 'failed';
    return this.#isHeard && this.#connection !== 'disconnected' ? 'ready' : 'stale';
  }

  /** Milliseconds since the server last confirmed the values, be it to the process that wrote the disk copy. */
  get ageMs(): number | undefined {
    if (this.#confirmed === undefined) return undefined;
    return Math.round(this.#confirmed.moment.elapsedMs() + this.#confirmed.ageMs);
  }

  enter(phase: 'starting' | 'ready' | 'failed' | 'closed'): void {
    if (this.#phase === 'closed') return;
    this.#phase = phase;
    this.#update();
  }

  connected(connection: SourceStatus): void {
    this.#connection = connection;
    this.#update();
  }

  /** The server gave values, or confirmed those in hand. */
  heard(): void {
    this.#isHeard = true;
    this.#confirmed = { moment: new Moment(), ageMs: 0 };
    this.#update();
  }

  /** Values of the disk copy are served, which were confirmed so long ago. */
  loaded(ageMs: number): void {
    if (!this.#isHeard) this.#confirmed = { moment: new Moment(), ageMs };
  }

  #isTooOld(): boolean {
    const { maxStalenessMs } = this.#options;
    const { ageMs } = this;
    return maxStalenessMs !== undefined && ageMs !== undefined && ageMs > maxStalenessMs;
  }

  #update(): void {
    const { status } = this;
    const previous = this.#told;
    if (status !== previous) {
      this.#told = status;
      this.#options.onChange(status, previous);
    }
    if (this.#phase === 'closed') clearTimeout(this.#timer);
    else if (this.#timer === undefined) this.#watch();
  }

  /** Looks again when the values may have become too old; confirmations meanwhile only put that off. */
  #watch(): void {
    const { maxStalenessMs } = this.#options;
    const { ageMs } = this;
    if (maxStalenessMs === undefined || ageMs === undefined || this.#phase !== 'ready') return;
    const leftMs = maxStalenessMs - ageMs;
    if (leftMs < 0) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#update();
      },
      Math.min(leftMs + 1, LONGEST_TIMEOUT_MS),
    );
    unref(this.#timer);
  }
}
