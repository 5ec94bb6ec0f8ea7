/** Every scope of this server: read values, write them, manage auth clients. */
export const SCOPES = ['config:read', 'config:write', 'config:admin'] as const;

/** What a credential may do. */
export type Scope = (typeof SCOPES)[number];

/** Whether `name` is a scope of this server. */
export function isScope(name: string): name is Scope {
  return SCOPES.some((scope) => scope === name);
}

/** The authenticated caller of a request. */
export interface Principal {
  clientId: string;
  type: 'm2m' | 'b2m';
  organizationId: string;
  /** Names of the environments it may use; undefined for all. */
  environments: readonly string[] | undefined;
  scopes: ReadonlySet<Scope>;
  /** The access token of a machine client; undefined for a publishable key. */
  token: AccessToken | undefined;
  /** The origin of a browser's request; undefined for a machine client. */
  origin: string | undefined;
}

/** What identifies an access token and limits its life. */
export interface AccessToken {
  /** The claim `jti`. */
  id: string;
  expiresAtSec: number;
}

/** What a route requires of its caller. */
export interface AccessRule {
  scope: Scope;
  /** Whether a publishable key may call it too (default false). */
  browser?: boolean;
}
