import type { EvaluationContext, FlagMetadata, JsonValue, TrackingEventDetails } from '@openfeature/core';

/** What `client.track` of the SDK was called with. */
export interface TrackedEvent {
  name: string;
  /** The merged context, as the SDK passes it. */
  context: EvaluationContext;
  details: TrackingEventDetails;
}

/** Options of both providers. */
export interface ProviderOptions {
  /**
   * Names of values, by key, such as `{ banner: { none: {}, sale: { title: 'Sale' } } }`. A result has the name of its
   * value as its `variant`. Values without a name: see "Variants" in the README.
   */
  variants?: Readonly<Record<string, Readonly<Record<string, JsonValue>>>> | undefined;
  /** Replaces the metadata of a result. Gets the default one: `revision`, `environment`, `ruleId`, `bucket`, `errorCode`. */
  flagMetadata?: ((key: string, metadata: FlagMetadata) => FlagMetadata) | undefined;
  /** Called with each event that the application tracks; default: events are dropped. */
  onTrack?: ((event: TrackedEvent) => void) | undefined;
}
