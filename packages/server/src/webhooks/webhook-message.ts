import { randomUUID } from 'node:crypto';

/** What receivers accept; those of `@smooai/config-next` have the same limits. */
const MAX_KEYS = 1_000;
const MAX_KEY_LENGTH = 200;
const MAX_BODY_BYTES = 65_536;

/** The keys of an environment that changed. */
export interface EnvironmentChange {
  readonly environment: string;
  readonly revision: string;
  /** Undefined if any key may have changed. */
  readonly keys: ReadonlySet<string> | undefined;
}

/** A change with its identity, which it keeps when it is sent again. */
export interface WebhookMessage extends EnvironmentChange {
  readonly id: string;
}

/** A message with a change, and with those of an earlier message that was not delivered. */
export function createMessage(change: EnvironmentChange, earlier?: WebhookMessage): WebhookMessage {
  const { environment, revision } = change;
  const isPartial = change.keys !== undefined && (earlier === undefined || earlier.keys !== undefined);
  const keys = isPartial ? new Set([...(earlier?.keys ?? []), ...(change.keys ?? [])]) : undefined;
  const message = { id: `msg_${randomUUID()}`, environment, revision, keys };
  return keys === undefined || isAcceptable(keys, message) ? message : { ...message, keys: undefined };
}

/** Contains names only, never a value. */
export function bodyOf({ environment, revision, keys }: EnvironmentChange): string {
  return JSON.stringify({ environment, revision, ...(keys && { keys: [...keys] }) });
}

function isAcceptable(keys: ReadonlySet<string>, change: EnvironmentChange): boolean {
  if (keys.size > MAX_KEYS) return false;
  for (const key of keys) if (key.length > MAX_KEY_LENGTH) return false;
  return Buffer.byteLength(bodyOf(change)) <= MAX_BODY_BYTES;
}
