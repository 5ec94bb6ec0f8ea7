import type { SourceSession } from './source-session.ts';

/**
 * What a client is doing. Only `ClientLifecycle` changes it, and it ends a session as soon as a state without it begins.
 * All other parts read the signal of the client or of its session.
 */
export type ClientState =
  /** Nothing has asked for values yet. */
  | { readonly phase: 'idle' }
  /** The session is to bring the first values. */
  | { readonly phase: 'starting'; readonly session: SourceSession }
  /** Every required key has a valid value, from the source or, after a fallback, from the disk copy or bundled values. */
  | { readonly phase: 'ready'; readonly session: SourceSession }
  /** With a session, valid values make the client ready by themselves. Without one, `ready()` has to start again. */
  | { readonly phase: 'failed'; readonly session: SourceSession | undefined }
  /** Final. `done` resolves when pending writes to the disk copy are finished. */
  | { readonly phase: 'closed'; readonly done: Promise<void> };

/** The session of a state; undefined if it has none. */
export function sessionOf(state: ClientState): SourceSession | undefined {
  return 'session' in state ? state.session : undefined;
}
