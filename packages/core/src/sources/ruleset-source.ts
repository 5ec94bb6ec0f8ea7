import type { Ruleset, RulesetPatch } from '../wire.ts';

/** The state of a source's connection to its server. */
export type ConnectionStatus = 'connecting' | 'stream' | 'polling' | 'memory' | 'disconnected';

/** Receives what a source pushes, and decides what to apply: a source need not check revisions. */
export interface RulesetSink {
  /** The newest revision that was applied; undefined before the first. */
  readonly revision: string | undefined;
  /** The epoch of that revision; undefined if the server does not name one. */
  readonly epoch?: string | undefined;
  /** Pushes a whole ruleset. */
  replace(ruleset: Ruleset): void;
  /**
   * Pushes what changed since the newest revision; several patches, from the oldest to the newest, are applied as one
   * change. If `revision` is older than a patch afterwards, changes before that patch are missing: push a whole ruleset.
   */
  patch(patches: RulesetPatch | readonly RulesetPatch[]): void;
  /** The server has confirmed that the newest values pushed are still current. */
  confirm(): void;
  /** The state of the connection changed; `error` says why it was lost. */
  status(status: ConnectionStatus, error?: unknown): void;
}

/** Brings rulesets to a client. The default is the config server; implement this interface to use something else. */
export interface RulesetSource {
  /**
   * Starts pushing. Resolves after the first whole ruleset was pushed, and keeps pushing until the signal aborts.
   * Rejects if it cannot get a ruleset; `start` may then be called again.
   */
  start(sink: RulesetSink, signal: AbortSignal): Promise<void>;
  /**
   * Fetches the newest values once, and pushes them if they have changed. Called after `start` has resolved. Leave it out if
   * each change is pushed at once.
   */
  refresh?(signal: AbortSignal): Promise<void>;
  /** Ends timers and connections. Called right after the signal aborts. Nothing is pushed afterwards. */
  stop(): void;
}
