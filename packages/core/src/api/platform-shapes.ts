import type {
  ApiAuthClient,
  ApiEnvironment,
  ApiSchema,
  AuthClientInput,
  CreatedAuthClient,
} from './config-api-types.ts';

/** The response to a push. The published contract describes the version; a config server may send only its number. */
export interface PushedSchema {
  schema: ApiSchema;
  version: number | { version: number };
}

/** The types of clients, as the published contract names them. A config server reads these names too. */
const TYPES = { m2m: 'machine-to-machine', b2m: 'browser-to-machine' } as const;

/** A client as the platform lists it: without what it does not know. */
type AuthClientRow = Omit<Partial<ApiAuthClient>, 'type'> & { type?: string };

/** A created client, with the names of the published contract (`secretKey`, `publicKey`) or of the config server. */
type CreatedClientRow = AuthClientRow & {
  clientSecret?: string;
  secretKey?: string;
  publishableKey?: string;
  publicKey?: string;
};

export function versionNumber(version: PushedSchema['version']): number {
  return typeof version === 'object' ? version.version : version;
}

/** The body of a request that creates a client, which every platform understands. */
export function authClientBody({ type, ...input }: AuthClientInput): Record<string, unknown> {
  return { type: TYPES[type] ?? type, ...input };
}

/** A client with all its fields. One without `revokedAt` counts as not revoked. */
export function readAuthClient(row: AuthClientRow): ApiAuthClient {
  const id = row.id ?? row.clientId ?? '';
  const type = row.type === TYPES.b2m || row.type === 'b2m' ? 'b2m' : 'm2m';
  const defaults = { organizationId: '', name: '', environments: null, scopes: [], allowedOrigins: [] };
  return { ...defaults, createdAt: '', revokedAt: null, clientId: id, ...row, id, type };
}

/** Reads the credential of a created client under either name. */
export function readCreatedClient({ secretKey, publicKey, ...row }: CreatedClientRow): CreatedAuthClient {
  const { clientSecret = secretKey, publishableKey = publicKey, ...client } = row;
  return {
    ...readAuthClient(client),
    ...(clientSecret !== undefined && { clientSecret }),
    ...(publishableKey !== undefined && { publishableKey }),
  };
}

/** An environment with all its fields. */
export function readEnvironment(row: Partial<ApiEnvironment>): ApiEnvironment {
  return { description: null, fallbackEnvironmentId: null, ...row } as ApiEnvironment;
}
