'use client';

import { stableJson } from '@smooai/config/browser';
import { startTransition, useCallback } from 'react';
import type { ConfigHooks, SetContextOptions } from './config-hooks.ts';
import { type ConfigScope, type ConfigSession, DefaultScope, useSession } from './config-session.ts';

type AnyContext = ConfigSession['context'];

/** {@inheritDoc ConfigHooks.useConfigContext} */
export const useConfigContext: ConfigHooks['useConfigContext'] = () => useScopeContext(DefaultScope) as never;

/** Returns the context of a scope, and a function that changes it. */
export function useScopeContext(
  scope: ConfigScope,
): [AnyContext, (context: AnyContext, options?: SetContextOptions) => void] {
  const session = useSession(scope, 'useConfigContext');
  const setContext = useCallback(
    (context: AnyContext, { hold = true }: SetContextOptions = {}) => {
      const latest = session.next ?? session;
      if (isSameContext(latest.context, context)) return;
      release(session.next);
      session.next = isSameContext(session.context, context) ? undefined : beginNext(session, context, hold);
      // By then the next session has taken over its connection, unless the provider was unmounted.
      session.end = () => queueMicrotask(() => release(session.next));
      const show = (): void => session.change?.(session.next ?? session);
      if (hold) startTransition(show);
      else show();
    },
    [session],
  );
  return [session.context, setContext];
}

/** Ends the connection of a session that is not shown. */
function release(session: ConfigSession | undefined): void {
  session?.disconnect?.();
  if (session) session.disconnect = undefined;
}

function isSameContext(left: AnyContext, right: AnyContext): boolean {
  return stableJson(left ?? {}) === stableJson(right ?? {});
}

/** Begins a session for another context and connects it at once: the provider can only do so once it is shown. */
function beginNext(session: ConfigSession, context: AnyContext, hold: boolean): ConfigSession {
  const { source, change, contextProp, defaults, readyTimeoutMs } = session;
  // Without a source, the values are the same for every context.
  const store = source?.createStore(undefined, context as never);
  const next: ConfigSession = {
    store: store ?? session.store,
    context,
    contextProp,
    defaults,
    readyTimeoutMs,
    source,
    change,
    disconnect: store && source?.connect(store, context as never),
  };
  if (store && hold && store.revision === undefined) {
    next.held = new Promise<void>((resolve) => {
      store.subscribeAll(() => resolve());
      setTimeout(() => {
        next.isOver = true;
        resolve();
      }, readyTimeoutMs);
    }).then(() => {
      next.held = undefined;
    });
  }
  return next;
}
