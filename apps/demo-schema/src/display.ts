/** Formats a value of the configuration for a reader: on and off for booleans. */
export function formatValue(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (value === undefined || value === null) return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The text of the live badge for each status: those of a store, and those of React's `useConfigStatus`. */
export const statusTexts = {
  loading: 'Loading',
  ready: 'Live',
  stale: 'Reconnecting',
  connecting: 'Connecting',
  live: 'Live',
  reconnecting: 'Reconnecting',
  refused: 'Refused',
  offline: 'Not live',
} as const;
