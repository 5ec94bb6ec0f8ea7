import type { AnyConfig } from '@smooai/config';
import type { ConfigClient } from '@smooai/config/server';
import type { InjectedValue } from './tokens.ts';

/** A public value or secret that follows its changes, such as the rotation of a secret. */
export class LiveValue<Value> {
  private readonly read: () => Value;
  private readonly subscribe: (listener: () => void) => () => void;

  constructor(client: ConfigClient<AnyConfig>, { tier, key }: Pick<InjectedValue, 'tier' | 'key'>) {
    this.read = () => client[tier](key) as Value;
    this.subscribe = (listener) =>
      client.subscribe(({ keys }) => {
        if (keys.includes(key)) listener();
      });
  }

  /** The value as it is now. Read it where it is used, and do not keep it. */
  get value(): Value {
    return this.read();
  }

  /**
   * Calls `listener` with the new value after each change. Returns an unsubscribe function. Errors of the listener go to
   * the client's `onEvent`.
   */
  onChange(listener: (value: Value) => unknown): () => void {
    let last = this.read();
    return this.subscribe(() => {
      const next = this.read();
      if (Object.is(next, last)) return undefined;
      last = next;
      return listener(next);
    });
  }
}
