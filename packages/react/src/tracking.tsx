'use client';

import { type Evaluation, snapshotEntry, stableJson } from '@smooai/config/browser';
import {
  createContext,
  type ReactElement,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useRef,
  useSyncExternalStore,
} from 'react';
import type { ConfigHooks } from './config-hooks.ts';
import { type ConfigSession, DefaultScope, useSession } from './config-session.ts';
import { useEntry } from './use-entry.ts';

/** An exposure, as OpenFeature's telemetry and OpenTelemetry's semantic conventions name it. */
export interface ExposureEvent {
  name: 'feature_flag.evaluation';
  attributes: {
    'feature_flag.key': string;
    'feature_flag.result.value': unknown;
    'feature_flag.result.reason': 'static' | 'targeting_match' | 'split' | 'default';
    /** The id of the rule that matched. */
    'feature_flag.result.variant'?: string;
    'feature_flag.provider.name': 'smooai-config';
    /** The revision of the values. */
    'feature_flag.version'?: string | undefined;
  };
  context: ConfigSession['context'];
}

/** Details of a tracked event, as in OpenFeature: a number to compare, and any attributes. */
export interface TrackDetails {
  value?: number;
  [attribute: string]: unknown;
}

/** Props of {@link TrackingProvider}. */
export interface TrackingProviderProps {
  /** Called once for each key, value and context that a component has shown. */
  onExposure?: (event: ExposureEvent) => void;
  /** Called by the function of {@link useTrack}. */
  onTrack?: (name: string, context: ConfigSession['context'], details: TrackDetails) => void;
  children?: ReactNode;
}

interface Tracker {
  expose: (event: ExposureEvent) => void;
  track: NonNullable<TrackingProviderProps['onTrack']>;
}

const REASONS = { raw: 'static', rule: 'targeting_match', rollout: 'split', default: 'default' } as const;
/** More exposures than a page has. After as many, all are forgotten, so that the memory is limited. */
const MAX_REMEMBERED = 10_000;

const TrackerContext = createContext<Tracker | undefined>(undefined);

/**
 * Receives the exposures and events of the components below it. Place it around `ConfigProvider`, whose `fallback` would
 * mount it anew.
 */
export function TrackingProvider({ children, ...callbacks }: TrackingProviderProps): ReactElement {
  const latest = useRef(callbacks);
  useEffect(() => {
    latest.current = callbacks;
  });
  const seen = useRef(new Set<string>());
  const tracker = useRef<Tracker>({
    expose(event) {
      const id = stableJson([
        event.attributes['feature_flag.key'],
        event.attributes['feature_flag.result.value'],
        event.context,
      ]);
      if (seen.current.has(id)) return;
      if (seen.current.size >= MAX_REMEMBERED) seen.current.clear();
      seen.current.add(id);
      // An error of the callback must not take the page down.
      queueMicrotask(() => latest.current.onExposure?.(event));
    },
    track: (...args) => latest.current.onTrack?.(...args),
  });
  return <TrackerContext.Provider value={tracker.current}>{children}</TrackerContext.Provider>;
}

/** {@inheritDoc ConfigHooks.useFlag} It reports to the {@link TrackingProvider} once the value is on the page. */
export const useFlag: ConfigHooks['useFlag'] = (key: string, fallback?: unknown) => {
  const { store, context } = useSession(DefaultScope, 'useFlag');
  const value = useEntry(DefaultScope, ['useFlag', 'flags', key, fallback]);
  const tracker = useContext(TrackerContext);
  // Subscribed, because a value may arrive that is equal to the fallback.
  const evaluation = useSyncExternalStore(
    store.subscribeAll,
    () => store.entry('flags', key) as Evaluation | undefined,
    () => snapshotEntry(store.initial, 'flags', key) as Evaluation | undefined,
  );
  useEffect(() => {
    // A fallback or default stands in for a value, so the visitor has not been exposed to the flag yet.
    if (tracker === undefined || evaluation === undefined || evaluation.value !== value) return;
    const { source, matchedRuleId } = evaluation;
    tracker.expose({
      name: 'feature_flag.evaluation',
      attributes: {
        'feature_flag.key': key,
        'feature_flag.result.value': value,
        'feature_flag.result.reason': REASONS[source],
        ...(matchedRuleId !== undefined && { 'feature_flag.result.variant': matchedRuleId }),
        'feature_flag.provider.name': 'smooai-config',
        'feature_flag.version': store.revision,
      },
      context,
    });
  }, [tracker, store, context, key, value, evaluation]);
  return value as never;
};

/**
 * Returns a function that reports an event, such as a purchase, with the provider's context.
 *
 * @throws {Error} outside a `ConfigProvider` or a {@link TrackingProvider}.
 */
export function useTrack(): (name: string, details?: TrackDetails) => void {
  const { context } = useSession(DefaultScope, 'useTrack');
  const tracker = useContext(TrackerContext);
  if (tracker === undefined) throw new Error('useTrack is outside a TrackingProvider.');
  return useCallback((name, details = {}) => tracker.track(name, context, details), [tracker, context]);
}
