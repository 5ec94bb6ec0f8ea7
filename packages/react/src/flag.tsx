'use client';

import type { ReactElement, ReactNode } from 'react';
import type { ConfigHooks, FlagProps } from './config-hooks.ts';
import { type ConfigScope, DefaultScope } from './config-session.ts';
import { useEntry } from './use-entry.ts';

/**
 * Renders its children if a flag has a value, and otherwise `fallback`. Give a function or a lazy component, so that
 * the hidden branch is neither evaluated nor loaded.
 *
 * @example
 * <Flag name="newCheckout" is={true} fallback={<TwoSteps />}>{() => <OneStep />}</Flag>
 */
export const Flag: ConfigHooks['Flag'] = (props) => useRenderedFlag(DefaultScope, props);

/** Renders a flag of a scope. */
export function useRenderedFlag(scope: ConfigScope, props: FlagProps<string, unknown>): ReactElement {
  const isShown = useEntry(scope, ['Flag', 'flags', props.name]) === props.is;
  return <>{isShown ? resolve(props.children) : props.fallback}</>;
}

function resolve(children: ReactNode | (() => ReactNode)): ReactNode {
  return typeof children === 'function' ? children() : children;
}
