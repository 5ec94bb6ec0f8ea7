import type { SnapshotRefusal } from '@smooai/config/browser';

const REMEDIES: Readonly<Record<number, string>> = {
  200: 'Check the URL of createSnapshotSource.',
  401: 'Check publishableKey: it may be misspelt, revoked or for another server.',
  403: 'Check organizationId and environment, and whether the key allows the origin of this page,',
  404: 'Check apiUrl, organizationId and environment.',
};

/** What to write to the console in development when the server refuses to send values. */
export function explainRefusal({ status, message }: SnapshotRefusal): string {
  const origin = status === 403 ? `${window.location.origin}.` : '';
  return `ConfigProvider: the server refused to send values (HTTP ${status}). ${[message, REMEDIES[status], origin].filter(Boolean).join(' ')}`;
}
