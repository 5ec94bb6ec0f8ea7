import type { EvaluationContext } from '@openfeature/core';
import {
  type Snapshot,
  type SnapshotChange,
  type SnapshotSource,
  type SnapshotStatus,
  SnapshotStore,
} from '@smooai/config/browser';
import type { FoundValue } from './resolution.ts';

/** How a session gets its values. */
export interface SessionOptions {
  source: SnapshotSource;
  /** The context as our rules read it. */
  context: EvaluationContext;
  /** Values to begin with. */
  snapshot: Snapshot | undefined;
  /** Called with each change after the first snapshot. */
  onChange: (keys: string[]) => void;
  /** Called when the state of the connection may have changed. */
  onStatus: () => void;
}

/** The values for one context. Each context gets its own session, so no value of one user is read by another. */
export class WebSession {
  /** The context as JSON, to compare it. */
  readonly contextJson: string;
  readonly #store: SnapshotStore;
  readonly #end: (() => void)[];
  /** Kept here, because the store may make a new object at each read. */
  #snapshot: Snapshot | undefined;

  constructor({ source, context, snapshot, onChange, onStatus }: SessionOptions) {
    this.contextJson = JSON.stringify(context);
    this.#snapshot = snapshot;
    const store = new SnapshotStore(snapshot, 'connecting');
    this.#store = store;
    const onUpdate = ({ initial, keys }: SnapshotChange): void => {
      this.#snapshot = store.snapshot;
      // `flags.newCheckout` is `newCheckout` to the SDK.
      if (!initial) onChange(keys.map((key) => key.slice(key.indexOf('.') + 1)));
    };
    const onStoreStatus = (): void => {
      this.#snapshot = store.snapshot;
      onStatus();
    };
    this.#end = [store.subscribeAll(onUpdate), store.subscribeStatus(onStoreStatus)];
    // A source may use the context; one that was made for a context does not need it.
    const connect: (store: SnapshotStore, context: EvaluationContext) => () => void =
      source.connect.bind(source);
    this.#end.push(connect(store, context));
  }

  get hasValues(): boolean {
    return this.#snapshot !== undefined;
  }

  get status(): SnapshotStatus {
    return this.#store.status;
  }

  get revision(): string | undefined {
    return this.#snapshot?.revision;
  }

  find(key: string): FoundValue | undefined {
    const snapshot = this.#snapshot;
    if (snapshot === undefined) return { value: undefined, source: 'default', errorCode: 'ERR_NOT_READY' };
    if (Object.hasOwn(snapshot.flags, key)) return snapshot.flags[key];
    if (Object.hasOwn(snapshot.limits, key)) return snapshot.limits[key];
    if (Object.hasOwn(snapshot.public, key)) return { value: snapshot.public[key], source: 'raw' };
    return undefined;
  }

  close(): void {
    for (const end of this.#end.splice(0)) end();
  }
}
