import type { AnyConfig, ConfigContext, Snapshot } from '@smooai/config';
import type { SnapshotEventClient } from '@smooai/config/server';

/**
 * Returns a function that limits a client to the keys that browsers may see. It returns the same object for the same
 * client, because streams of one object share their work.
 */
export function browserView<C extends AnyConfig>(
  keys: readonly string[] | undefined,
): (client: SnapshotEventClient<C>) => SnapshotEventClient<C> {
  if (keys === undefined) return (client) => client;
  const chosen = new Set(keys);
  const views = new WeakMap<object, SnapshotEventClient<C>>();
  return (client) => {
    const known = views.get(client);
    if (known !== undefined) return known;
    const snapshot = (
      context: ConfigContext<C> | undefined,
      options?: { keys: Iterable<string> },
    ): Snapshot => {
      const asked = options === undefined ? chosen : [...options.keys].filter((key) => chosen.has(key));
      return client.snapshot(context, { keys: asked });
    };
    const view: SnapshotEventClient<C> = {
      config: client.config,
      subscribe: (listener) => client.subscribe(listener),
      onClose: (listener) => client.onClose(listener),
      // The keys of a typed snapshot may be missing, so one with the chosen keys has that type too.
      snapshot: snapshot as SnapshotEventClient<C>['snapshot'],
    };
    views.set(client, view);
    return view;
  };
}
