import { mayUseEnvironment } from '../domain/access.ts';
import type { Principal } from '../principal.ts';
import type { AuthClient } from '../storage/storage.ts';
import type { ClientDirectory } from './client-directory.ts';
import type { TokenService } from './token-service.ts';
import { WatchGroups } from './watch-groups.ts';

/** A stream ends at a random moment in this last share of the time that its token has left. */
const END_SHARE = 0.1;
const MAX_END_WINDOW_MS = 30_000;
/** Node fires a timer with a longer delay at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** Streams that should end within this time end together, so that they share a timer. */
const END_STEP_MS = 250;

/** A caller with an open stream. */
interface Watch {
  readonly principal: Principal;
  readonly listener: () => void;
  readonly endsAtMs: number;
}

/** Notices when a caller with an open stream loses its access. */
export class AccessWatch {
  readonly #tokens: TokenService;
  readonly #clients: ClientDirectory;
  readonly #byClient: WatchGroups<string, Watch>;
  readonly #byToken: WatchGroups<string, Watch>;
  readonly #byEnd: WatchGroups<number, Watch>;

  constructor({ tokens, clients }: { tokens: TokenService; clients: ClientDirectory }) {
    this.#tokens = tokens;
    this.#clients = clients;
    const lose = (watch: Watch): void => this.#lose(watch);
    this.#byClient = new WatchGroups((id, notify) => clients.onRevoked(id, notify), lose);
    this.#byToken = new WatchGroups((id, notify) => tokens.onRevoked(id, notify), lose);
    this.#byEnd = new WatchGroups(callAt, lose);
  }

  /**
   * Calls `listener` once, when the client is revoked or loses rights, its token is revoked, or shortly before the token
   * expires. If that happened since the request was authenticated, soon. Returns a function that stops listening.
   */
  onLost(principal: Principal, listener: () => void): () => void {
    const { token } = principal;
    const expiresAtMs = (token?.expiresAtSec ?? 0) * 1000;
    // Rounded up, but never past the expiry, which is a whole second.
    const endsAtMs = Math.ceil(endOfStreamMs(expiresAtMs) / END_STEP_MS) * END_STEP_MS;
    const watch: Watch = { principal, listener, endsAtMs };
    this.#byClient.add(principal.clientId, watch);
    if (token !== undefined) {
      this.#byToken.add(token.id, watch);
      this.#byEnd.add(endsAtMs, watch);
    }
    void this.#hasAccess(principal).then((hasAccess) => {
      if (!hasAccess) this.#lose(watch);
    });
    return () => {
      this.#stop(watch);
    };
  }

  #lose(watch: Watch): void {
    if (this.#stop(watch)) watch.listener();
  }

  /** Returns whether it was still watched. */
  #stop(watch: Watch): boolean {
    const { principal, endsAtMs } = watch;
    if (!this.#byClient.delete(principal.clientId, watch)) return false;
    if (principal.token !== undefined) {
      this.#byToken.delete(principal.token.id, watch);
      this.#byEnd.delete(endsAtMs, watch);
    }
    return true;
  }

  async #hasAccess(principal: Principal): Promise<boolean> {
    try {
      if (principal.token !== undefined && (await this.#tokens.isRevoked(principal.token.id))) return false;
      const client = await this.#clients.find(principal.clientId);
      return client !== undefined && stillGrants(client, principal);
    } catch {
      // Access that cannot be checked does not count.
      return false;
    }
  }
}

/** Whether a client still has every right that a caller was authenticated with. */
function stillGrants(client: AuthClient, principal: Principal): boolean {
  if (client.revokedAt !== null) return false;
  if (![...principal.scopes].every((scope) => client.scopes.includes(scope))) return false;
  if (principal.origin !== undefined && !client.allowedOrigins.includes(principal.origin)) return false;
  if (client.environments === null) return true;
  const now = { environments: client.environments };
  return principal.environments?.every((name) => mayUseEnvironment(now, name)) ?? false;
}

/**
 * When a stream with a token that expires then should end, in epoch milliseconds: earlier by a random time, so that the
 * clients whose tokens expire together do not come back together.
 */
export function endOfStreamMs(
  expiresAtMs: number,
  { nowMs = Date.now(), random = Math.random }: { nowMs?: number; random?: () => number } = {},
): number {
  const windowMs = Math.min(Math.max(0, expiresAtMs - nowMs) * END_SHARE, MAX_END_WINDOW_MS);
  return expiresAtMs - windowMs * random();
}

/** Calls `listener` at a time of the system's clock, never at once. Returns a function that cancels it. */
function callAt(atMs: number, listener: () => void): () => void {
  const start = (): NodeJS.Timeout =>
    setTimeout(check, Math.min(Math.max(0, atMs - Date.now()), MAX_TIMER_MS));
  let timer = start();
  function check(): void {
    // Node may fire a timer up to a millisecond early.
    if (Date.now() < atMs) timer = start();
    else listener();
  }
  return () => clearTimeout(timer);
}
