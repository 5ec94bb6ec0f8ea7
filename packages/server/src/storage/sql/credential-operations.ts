import type { Selectable } from 'kysely';
import type { AuthClient, StorageOperations } from '../storage.ts';
import type { Session, Tables } from './tables.ts';

type ClientOperations = Pick<
  StorageOperations,
  | 'insertAuthClient'
  | 'updateAuthClient'
  | 'findAuthClient'
  | 'findAuthClientByCredentialHash'
  | 'listAuthClients'
>;

/** API clients. */
export function authClientOperations(session: Session): ClientOperations {
  return {
    async insertAuthClient(client) {
      const { id, organizationId, type, credentialHash, createdAt } = client;
      const row = { id, organizationId, type, credentialHash, createdAt, ...changeableColumns(client) };
      await session.db.insertInto('authClients').values(row).execute();
    },
    async updateAuthClient(client) {
      const columns = changeableColumns(client);
      await session.db.updateTable('authClients').set(columns).where('id', '=', client.id).execute();
    },
    async findAuthClient(id) {
      const query = session.db.selectFrom('authClients').selectAll();
      const row = await query.where('id', '=', id).executeTakeFirst();
      return row && toAuthClient(row);
    },
    async findAuthClientByCredentialHash(credentialHash) {
      const query = session.db.selectFrom('authClients').selectAll();
      const row = await query.where('credentialHash', '=', credentialHash).executeTakeFirst();
      return row && toAuthClient(row);
    },
    async listAuthClients(organizationId) {
      const query = session.db.selectFrom('authClients').selectAll();
      const rows = await query
        .where('organizationId', '=', organizationId)
        .orderBy('createdAt')
        .orderBy('id')
        .execute();
      return rows.map(toAuthClient);
    },
  };
}

type TokenOperations = Pick<
  StorageOperations,
  | 'insertSigningKey'
  | 'listSigningKeys'
  | 'insertRevokedToken'
  | 'isTokenRevoked'
  | 'listRevokedTokens'
  | 'pruneRevokedTokens'
>;

/** Signing keys, sealed, and tokens that were revoked before they expired. */
export function tokenOperations(session: Session): TokenOperations {
  const { box } = session;
  return {
    async insertSigningKey({ kid, privateJwk, createdAt }) {
      const sealedJwk = box.seal(JSON.stringify(privateJwk), ['signing-key', kid]);
      await session.db.insertInto('signingKeys').values({ kid, sealedJwk, createdAt }).execute();
    },
    async listSigningKeys() {
      const query = session.db.selectFrom('signingKeys').selectAll();
      const rows = await query.orderBy('createdAt', 'desc').orderBy('kid').execute();
      return rows.map(({ kid, sealedJwk, createdAt }) => ({
        kid,
        privateJwk: JSON.parse(box.open(sealedJwk, ['signing-key', kid])),
        createdAt,
      }));
    },
    async insertRevokedToken(jti, expiresAtSec) {
      await session.db
        .insertInto('revokedTokens')
        .values({ jti, expiresAtSec })
        .onConflict((conflict) => conflict.column('jti').doNothing())
        .execute();
    },
    async isTokenRevoked(jti) {
      const query = session.db.selectFrom('revokedTokens').select('jti');
      return (await query.where('jti', '=', jti).executeTakeFirst()) !== undefined;
    },
    async listRevokedTokens(nowSec) {
      const query = session.db.selectFrom('revokedTokens').select('jti');
      return (await query.where('expiresAtSec', '>', nowSec).execute()).map(({ jti }) => jti);
    },
    async pruneRevokedTokens(nowSec) {
      await session.db.deleteFrom('revokedTokens').where('expiresAtSec', '<=', nowSec).execute();
    },
  };
}

function changeableColumns({ name, environments, scopes, allowedOrigins, revokedAt }: AuthClient) {
  return {
    name,
    environments: environments && JSON.stringify(environments),
    scopes: JSON.stringify(scopes),
    allowedOrigins: JSON.stringify(allowedOrigins),
    revokedAt,
  };
}

function toAuthClient(row: Selectable<Tables['authClients']>): AuthClient {
  return {
    ...row,
    environments: row.environments === null ? null : JSON.parse(row.environments),
    scopes: JSON.parse(row.scopes),
    allowedOrigins: JSON.parse(row.allowedOrigins),
  };
}
