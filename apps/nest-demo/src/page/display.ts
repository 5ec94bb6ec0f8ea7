/** Returns the CSS classes of the badge for a value. */
export function badgeClass(value: unknown): string {
  if (typeof value !== 'boolean') return 'badge';
  return value ? 'badge good' : 'badge';
}

/** Describes the reason for a value. */
export function sourceText(source: string | undefined, rule: string | undefined): string {
  if (rule !== undefined) return `rule “${rule}”`;
  if (source === 'rollout') return 'rollout';
  return source === 'raw' ? 'same for everyone' : 'default';
}
