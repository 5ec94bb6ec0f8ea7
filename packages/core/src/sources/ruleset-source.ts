import type { Ruleset, RulesetPatch } from '../wire.ts';

/** How a source stands with its server. */
export type SourceStatus = 'connecting' | 'stream' | 'polling' | 'memory' | 'disconnected';

/** Where a source pushes what it learns; only the receiver decides what to make of it. */
export interface RulesetSink {
  /** The newest revision that was taken; undefined before the first. */
  readonly revision: string | undefined;
  /** The epoch of that revision; undefined where no server named one. */
  readonly epoch?: string | undefined;
  /** A whole ruleset. */
  replace(ruleset: Ruleset): void;
  /** What changed since the newest revision. */
  patch(patch: RulesetPatch): void;
  /** The server was heard of, and the values in hand are its newest. */
  confirm(): void;
  /** The connection changed; `error` is why, where it was lost. */
  status(status: SourceStatus, error?: unknown): void;
}

/** Brings rulesets to a client: the config server by default, or one of your own. */
export interface RulesetSource {
  /**
   * Begins to push; resolves once a whole ruleset was pushed, and goes on pushing until `stop`.
   * Rejects where no ruleset can be had, after which `start` may be called again.
   */
  start(sink: RulesetSink, signal: AbortSignal): Promise<void>;
  /** Ends timers and connections; nothing is pushed afterwards. */
  stop(): void;
}
