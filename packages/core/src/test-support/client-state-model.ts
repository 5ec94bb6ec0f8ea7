/** How a client is set up, as far as its state depends on it. */
export interface Setup {
  start: 'ready' | 'background' | 'lazy';
  /** The local values that the `fallback` option may use: none, usable ones, or ones without a required key. */
  local: 'none' | 'usable' | 'unusable';
}

/** Everything that can happen to a client. */
export const EVENTS = [
  'ready()',
  'ready() that times out',
  'a read',
  'the source starts with valid values',
  'the source starts with invalid values',
  'the start fails',
  'the start fails for good',
  'a minute passes',
  'valid values are pushed',
  'invalid values are pushed',
  'the connection is lost',
  'close()',
] as const;

export type Event = (typeof EVENTS)[number];

export type Outcome =
  | 'resolved'
  | 'refused'
  | 'ERR_READY_TIMEOUT'
  | 'ERR_VALUES_INVALID'
  | 'ERR_OPTIONS_INVALID'
  | 'ERR_CLIENT_CLOSED';

/** The session of the simplest client that behaves as documented: what its source is doing. */
interface Session {
  source: 'starting' | 'waiting' | 'started';
  isLost: boolean;
  /** Why the last attempt failed. */
  failure: Outcome;
}

/** The simplest client: what `health()` and each call of `ready()` must say after each event. */
export class ClientModel {
  readonly #setup: Setup;
  phase: 'idle' | 'starting' | 'ready' | 'failed' | 'closed' = 'idle';
  session: Session | undefined;
  /** Whether the server has ever sent values, and valid ones. */
  isLive = false;
  hasValid = false;
  /** How often the source was started and stopped. */
  starts = 0;
  stops = 0;
  /** Calls of `ready()` that wait, and the outcomes of those that have ended. */
  waiting = 0;
  readonly outcomes: Outcome[] = [];

  constructor(setup: Setup) {
    this.#setup = setup;
    if (setup.start === 'background') this.#open();
  }

  get status(): string {
    if (this.phase === 'idle') return 'starting';
    if (this.phase !== 'ready') return this.phase;
    return this.isLive && this.session?.isLost === false ? 'ready' : 'stale';
  }

  /** Names the state, for the table of states that were reached. */
  get name(): string {
    const source = this.session === undefined ? '' : `, source ${this.session.source}`;
    return `${this.phase}${source}${this.waiting > 0 ? ', a call waits' : ''}${this.#isUsable ? ', usable' : ''}`;
  }

  get #isPersistent(): boolean {
    return this.#setup.start !== 'ready';
  }

  get #isUsable(): boolean {
    return this.hasValid || this.#setup.local === 'usable';
  }

  apply(event: Event): void {
    if (this.phase === 'closed') {
      if (event.startsWith('ready()')) this.outcomes.push('ERR_CLIENT_CLOSED');
      return;
    }
    const isStarting = this.session?.source === 'starting';
    if (event === 'ready()' || event === 'ready() that times out') this.#ready(event !== 'ready()');
    else if (event === 'close()') this.#end('closed', 'ERR_CLIENT_CLOSED');
    else if (event === 'a read' && this.#setup.start === 'lazy' && this.phase === 'idle') this.#open();
    else if (event === 'the source starts with valid values' && isStarting) this.#started(true);
    else if (event === 'the source starts with invalid values' && isStarting) this.#started(false);
    else if (event === 'the start fails' && isStarting) this.#startFails('refused');
    else if (event === 'the start fails for good' && isStarting) this.#startFails('ERR_OPTIONS_INVALID');
    else if (event === 'a minute passes' && this.session?.source === 'waiting') this.#attempt();
    else if (event === 'valid values are pushed' && this.session) this.#pushed(true);
    else if (event === 'invalid values are pushed' && this.session) this.#pushed(false);
    else if (event === 'the connection is lost' && this.session) this.session.isLost = true;
  }

  #ready(timesOut: boolean): void {
    if (this.phase === 'ready') {
      this.outcomes.push('resolved');
      return;
    }
    if (this.session === undefined) this.#open();
    if (this.session?.source === 'starting') {
      if (timesOut) this.#callFails('ERR_READY_TIMEOUT');
      else this.waiting += 1;
    } else {
      this.#callFails(this.session?.failure ?? 'refused');
    }
  }

  /** One call of `ready()` fails; others may go on waiting. */
  #callFails(failure: Outcome): void {
    const outcome = this.session?.source === 'started' ? failure : this.#fallBack(failure);
    this.outcomes.push(outcome);
    if (outcome === 'resolved' || this.waiting > 0) return;
    if (!this.#isPersistent) this.#end('failed', outcome);
    else if (outcome === 'ERR_VALUES_INVALID') this.phase = 'failed';
  }

  #open(): void {
    this.session = { source: 'starting', isLost: false, failure: 'refused' };
    this.phase = 'starting';
    this.#attempt();
  }

  #attempt(): void {
    if (this.session !== undefined) this.session.source = 'starting';
    this.starts += 1;
  }

  #started(isValid: boolean): void {
    const { session } = this;
    if (session === undefined) return;
    this.#receive(isValid);
    session.source = 'started';
    session.isLost = false;
    if (this.#isUsable) {
      this.phase = 'ready';
      this.#settle('resolved');
    } else if (this.#isPersistent) {
      session.failure = 'ERR_VALUES_INVALID';
      this.phase = 'failed';
      this.#settle('ERR_VALUES_INVALID');
    } else {
      this.#end('failed', 'ERR_VALUES_INVALID');
    }
  }

  #startFails(failure: Outcome): void {
    const { session } = this;
    if (session === undefined) return;
    session.source = 'waiting';
    const mayFallBack = this.waiting > 0 && failure === 'refused';
    const outcome = mayFallBack ? this.#fallBack(failure) : failure;
    const continues = this.phase === 'ready' || (this.#isPersistent && failure === 'refused');
    if (!continues) {
      this.#end('failed', outcome);
      return;
    }
    session.failure = outcome === 'resolved' ? failure : outcome;
    if (outcome === 'ERR_VALUES_INVALID') this.phase = 'failed';
    this.#settle(this.phase === 'ready' ? 'resolved' : outcome);
  }

  /** Only the first start may use local values: later, the server's last values are better. */
  #fallBack(failure: Outcome): Outcome {
    const { local } = this.#setup;
    if (local === 'none' || this.isLive || this.phase === 'ready') return failure;
    if (local === 'unusable') return 'ERR_VALUES_INVALID';
    this.phase = 'ready';
    return 'resolved';
  }

  #pushed(isValid: boolean): void {
    this.#receive(isValid);
    const mayRecover = this.phase === 'failed' && this.session?.source === 'started';
    if (mayRecover && this.#isUsable) this.phase = 'ready';
  }

  #receive(isValid: boolean): void {
    this.isLive = true;
    this.hasValid ||= isValid;
  }

  #end(phase: 'failed' | 'closed', outcome: Outcome): void {
    if (this.session !== undefined) this.stops += 1;
    this.session = undefined;
    this.phase = phase;
    this.#settle(outcome);
  }

  #settle(outcome: Outcome): void {
    this.outcomes.push(...Array.from({ length: this.waiting }, () => outcome));
    this.waiting = 0;
  }
}
