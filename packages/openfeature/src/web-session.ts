import type { EvaluationContext } from '@openfeature/core';
import type {
  Evaluation,
  Snapshot,
  SnapshotRefusal,
  SnapshotSource,
  SnapshotStore,
} from '@smooai/config/browser';
import type { FoundValue, ValuesState } from './resolution.ts';

/** How a session gets its values. */
export interface SessionOptions {
  source: SnapshotSource;
  /** The context as our rules read it. */
  context: EvaluationContext;
  /** Values to begin with. */
  snapshot: Snapshot | undefined;
  /** Called with the keys of each change after the first values. */
  onChange: (keys: string[]) => void;
  /** Called after each change of the connection. */
  onStatus: () => void;
}

/** The values for one context. Each context gets its own session, so no value of one user is read by another. */
export class WebSession {
  /** The context as JSON, to compare it. */
  readonly contextJson: string;
  readonly #store: SnapshotStore;
  readonly #end: (() => void)[];
  /** Whether the values are, or were, those of the server for this page, and not what a page before it stored. */
  #wasLive: boolean;

  constructor({ source, context, snapshot, onChange, onStatus }: SessionOptions) {
    this.contextJson = JSON.stringify(context);
    this.#wasLive = snapshot !== undefined;
    const store = source.createStore(snapshot, context);
    this.#store = store;
    this.#end = [
      store.subscribeAll(({ initial, keys }) => {
        // `flags.newCheckout` is `newCheckout` to the SDK.
        if (!initial) onChange(keys.map((key) => key.slice(key.indexOf('.') + 1)));
      }),
      store.subscribeStatus(() => {
        this.#wasLive ||= store.status === 'live';
        onStatus();
      }),
    ];
    this.#end.push(source.connect(store, context));
  }

  get hasValues(): boolean {
    return this.#store.revision !== undefined;
  }

  /** Whether the connection was lost or refused. */
  get isLost(): boolean {
    const { status } = this.#store;
    return status !== 'live' && status !== 'connecting';
  }

  /** Why the server does not send values to this page. */
  get refusal(): SnapshotRefusal | undefined {
    return this.#store.refusal;
  }

  get state(): ValuesState {
    const age = !this.isLost ? 'live' : this.#wasLive ? 'stale' : 'cached';
    return { revision: this.#store.revision, environment: undefined, age };
  }

  find(key: string): FoundValue | undefined {
    const store = this.#store;
    if (!this.hasValues) return { value: undefined, source: 'default', errorCode: 'ERR_NOT_READY' };
    const evaluation = store.entry('flags', key) ?? store.entry('limits', key);
    if (evaluation !== undefined) return evaluation as Evaluation;
    const value = store.entry('public', key);
    return value === undefined ? undefined : { value, source: 'raw' };
  }

  close(): void {
    for (const end of this.#end.splice(0)) end();
  }
}
