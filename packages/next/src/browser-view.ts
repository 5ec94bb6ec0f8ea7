import type { AnyConfig } from '@smooai/config';
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
    const view = views.get(client) ?? {
      config: client.config,
      subscribe: (listener) => client.subscribe(listener),
      onClose: (listener) => client.onClose(listener),
      snapshot: (context, options) => {
        const asked =
          options?.keys === undefined ? chosen : [...options.keys].filter((key) => chosen.has(key));
        return client.snapshot(context, { keys: asked });
      },
    };
    views.set(client, view);
    return view;
  };
}
