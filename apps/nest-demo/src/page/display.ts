/** A value as the page shows it; the server and the browser use the same words. */
export function displayValue(value: unknown): string {
  if (value === true) return 'on';
  if (value === false) return 'off';
  if (value === undefined || value === null) return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The badge's colour for a value. */
export function badgeClass(value: unknown): string {
  if (typeof value !== 'boolean') return 'badge';
  return value ? 'badge good' : 'badge';
}

/** How an answer came about, in words. */
export function displaySource(source: string | undefined, rule: string | undefined): string {
  if (rule !== undefined) return `rule “${rule}”`;
  if (source === 'rollout') return 'rollout';
  return source === 'raw' ? 'same for everyone' : 'default';
}
