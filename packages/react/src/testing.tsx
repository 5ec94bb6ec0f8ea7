'use client';

import type {
  BrowserFlagValue,
  BrowserPublicValue,
  ConfigContext,
  ConfigDefaults,
  FlagKey,
  LimitKey,
  PublicKey,
} from '@smooai/config';
import { currentSnapshot, type Snapshot, type SnapshotGroup, SnapshotStore } from '@smooai/config/browser';
import { act, type ReactElement, type ReactNode, useLayoutEffect, useState } from 'react';
import { type AnyProps, useProvider } from './config-provider.tsx';
import { DefaultScope } from './config-session.ts';
import type { ConfigProviderProps } from './config-types.ts';

/** Props of {@link ConfigTestProvider}. */
export type ConfigTestProviderProps = ConfigDefaults &
  Pick<ConfigProviderProps, 'defaults'> & {
    context?: ConfigContext;
    children?: ReactNode;
  };

const mounted = new Set<SnapshotStore>();

/**
 * Gives the components below it these values, without a server. Read on the first render only; `setFlag`, `setLimit`
 * and `setPublic` change them. A key that is not given has no value: hooks return their fallback or the key's default.
 *
 * @example
 * render(<ConfigTestProvider flags={{ newCheckout: true }}><Checkout /></ConfigTestProvider>);
 * setFlag('newCheckout', false);
 */
export function ConfigTestProvider(props: ConfigTestProviderProps): ReactElement {
  const { context, children, defaults, ...values } = props;
  const [store] = useState(() => new SnapshotStore(snapshotOf(values), 'live'));
  useLayoutEffect(() => {
    mounted.add(store);
    return () => {
      mounted.delete(store);
    };
  }, [store]);
  return useProvider(DefaultScope, { store, context, children, defaults: defaults as AnyProps['defaults'] });
}

/**
 * Changes a flag of every mounted {@link ConfigTestProvider}, inside `act`.
 *
 * @throws {Error} if none is mounted, or if it was not given the key.
 */
export function setFlag<Key extends FlagKey>(key: Key, value: BrowserFlagValue<Key>): void {
  set('flags', key, value);
}

/** Changes a limit; otherwise like {@link setFlag}. */
export function setLimit(key: LimitKey, value: number): void {
  set('limits', key, value);
}

/** Changes a public value; otherwise like {@link setFlag}. */
export function setPublic<Key extends PublicKey>(key: Key, value: BrowserPublicValue<Key>): void {
  set('public', key, value);
}

function set(group: SnapshotGroup, key: string, value: unknown): void {
  if (mounted.size === 0) throw new Error(`No ConfigTestProvider is mounted, so "${key}" cannot be set.`);
  for (const store of mounted) {
    const keys = Object.keys(currentSnapshot(store)?.[group] ?? {});
    if (keys.includes(key)) continue;
    throw new Error(
      `The ConfigTestProvider was not given "${key}" in "${group}". Its keys there: ${keys.join(', ') || 'none'}.`,
    );
  }
  inAct(() => {
    for (const store of mounted) {
      store.patch(snapshotOf({ [group]: { [key]: value } }, String(Number(store.revision) + 1)));
    }
  });
}

/** Runs a change in `act`, so that it is rendered when this returns, also in a test runner without global hooks. */
function inAct(change: () => void): void {
  const environment = globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean | undefined };
  const before = environment.IS_REACT_ACT_ENVIRONMENT;
  environment.IS_REACT_ACT_ENVIRONMENT = true;
  try {
    act(change);
  } finally {
    environment.IS_REACT_ACT_ENVIRONMENT = before;
  }
}

function snapshotOf(values: ConfigDefaults, revision = '1'): Snapshot {
  const evaluated = (group: object = {}): object =>
    Object.fromEntries(Object.entries(group).map(([key, value]) => [key, { value, source: 'raw' }]));
  return {
    revision,
    public: { ...(values.public as Snapshot['public']) },
    flags: evaluated(values.flags) as Snapshot['flags'],
    limits: evaluated(values.limits) as Snapshot['limits'],
  };
}
