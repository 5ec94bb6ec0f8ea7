import { randomUUID } from 'node:crypto';
import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  jwtVerify,
  SignJWT,
} from 'jose';
import { BoundedMap } from '../lib/bounded-map.ts';
import { MultiMap } from '../lib/multi-map.ts';
import { isRecord } from '../lib/record.ts';
import type { AuthClient, SigningKey, Storage } from '../storage/storage.ts';
import { StorageError } from '../storage/storage-error.ts';
import { hashCredential } from './credentials.ts';

/** ES256 rather than EdDSA: every JWT library verifies it. */
const ALGORITHM = 'ES256';
const AUDIENCE = 'smooai-config';
/** RFC 9068 §2.1: tells an access token from any other JWT that the key may sign one day. */
const TOKEN_TYPE = 'at+jwt';

/** How many verified tokens are remembered; others are verified again. */
const MAX_VERIFIED_TOKENS = 10_000;
const MAX_REVOKED_TOKENS = 100_000;

/** A new access token. */
export interface IssuedToken {
  accessToken: string;
  expiresInSec: number;
}

/** The claims of a verified token. */
export interface TokenClaims {
  jti: string;
  clientId: string;
  organizationId: string;
  scopes: readonly string[];
  /** Epoch seconds. */
  expiresAtSec: number;
}

interface LoadedKey {
  kid: string;
  privateKey: CryptoKey;
  publicKey: CryptoKey;
  publicJwk: JWK;
}

/** Signs, verifies and revokes access tokens with the keys of the storage. */
export class TokenService {
  readonly #storage: Storage;
  /** Newest first. */
  readonly #keys: readonly [LoadedKey, ...LoadedKey[]];
  readonly #ttlSec: number;
  /** By token id. */
  readonly #listeners = new MultiMap<string, () => void>();
  /** By the hash of the token, so that a dump of the memory contains no usable token. */
  readonly #verified = new BoundedMap<string, TokenClaims>(MAX_VERIFIED_TOKENS);
  /** Tokens that were revoked, by id, for the time in which a shared storage cannot be reached. */
  readonly #revoked = new BoundedMap<string, true>(MAX_REVOKED_TOKENS);
  #revocations = 0;

  private constructor(storage: Storage, keys: readonly [LoadedKey, ...LoadedKey[]], ttlSec: number) {
    this.#storage = storage;
    this.#keys = keys;
    this.#ttlSec = ttlSec;
  }

  /** Loads the signing keys, or creates the first one. */
  static async open(storage: Storage, options: { ttlSec: number }): Promise<TokenService> {
    const stored = await storage.listSigningKeys();
    const usable = stored.length > 0 ? stored : await createFirstKey(storage);
    const [newest, ...older] = await Promise.all(usable.map(loadKey));
    if (!newest) throw new Error('The storage has no signing key.');
    return new TokenService(storage, [newest, ...older], options.ttlSec);
  }

  /** The public keys (RFC 7517). */
  jwks(): { keys: JWK[] } {
    return { keys: this.#keys.map((key) => key.publicJwk) };
  }

  /** @param issuer the server's public URL */
  async issue(client: AuthClient, scopes: readonly string[], issuer: string): Promise<IssuedToken> {
    const nowSec = Math.floor(Date.now() / 1000);
    const [{ kid, privateKey }] = this.#keys;
    const accessToken = await new SignJWT({
      client_id: client.id,
      org: client.organizationId,
      scope: scopes.join(' '),
    })
      .setProtectedHeader({ alg: ALGORITHM, typ: TOKEN_TYPE, kid })
      .setIssuer(issuer)
      .setSubject(client.id)
      .setAudience(AUDIENCE)
      .setIssuedAt(nowSec)
      .setExpirationTime(nowSec + this.#ttlSec)
      .setJti(randomUUID())
      .sign(privateKey);
    return { accessToken, expiresInSec: this.#ttlSec };
  }

  /**
   * Returns the claims of a valid token: signed by one of our keys, not expired, not revoked. Returns undefined for any
   * other. The issuer is not checked: the keys belong to this storage alone, and the server's URL changes with its
   * port. The result is kept in memory until the token expires or is revoked.
   */
  async verify(token: string): Promise<TokenClaims | undefined> {
    const hash = hashCredential(token);
    const known = this.#verified.get(hash);
    if (known !== undefined) {
      if (known.expiresAtSec > Math.floor(Date.now() / 1000)) return known;
      this.#verified.delete(hash);
      return undefined;
    }
    const revocations = this.#revocations;
    const claims = await this.#claimsOf(token);
    if (!claims || (await this.isRevoked(claims.jti))) return undefined;
    // A revocation in the meantime may have been of this token.
    if (revocations === this.#revocations) this.#verified.set(hash, claims);
    return claims;
  }

  /** @param id the claim `jti` of a token that {@link verify} has accepted */
  async isRevoked(id: string): Promise<boolean> {
    try {
      return await this.#storage.isTokenRevoked(id);
    } catch (error) {
      const isUnreachable = error instanceof StorageError && error.code === 'ERR_STORAGE_UNAVAILABLE';
      if (this.#storage.shared === undefined || !isUnreachable) throw error;
      // Revocations of other processes arrive here too, and how long this may go on is checked with the client.
      return this.#revoked.get(id) === true;
    }
  }

  /** Calls `listener` once when the token is revoked. Returns a function that stops listening. */
  onRevoked(id: string, listener: () => void): () => void {
    return this.#listeners.add(id, listener);
  }

  /** Revokes a token: {@link verify} refuses it from now on, and its listeners are called. */
  async revoke(claims: TokenClaims): Promise<void> {
    await this.#storage.transaction(async (operations) => {
      await operations.insertRevokedToken(claims.jti, claims.expiresAtSec);
      await operations.recordAccessChange({ kind: 'token', id: claims.jti, mayDoLess: true });
    });
    this.#forget(claims.jti);
    await this.#storage.pruneRevokedTokens(Math.floor(Date.now() / 1000));
  }

  /** Call it after another process has revoked a token. */
  revokedElsewhere(id: string): void {
    this.#forget(id);
  }

  /** Call it after any token may have been revoked in another process: each is looked up again. */
  async forgetAll(): Promise<void> {
    this.#revocations += 1;
    this.#verified.clear();
    for (const id of [...this.#listeners.keys()]) this.#notify(id);
    await this.readAhead();
  }

  /** Reads which tokens are revoked, so that new ones can be verified while the storage cannot be reached. */
  async readAhead(): Promise<void> {
    for (const id of await this.#storage.listRevokedTokens(Math.floor(Date.now() / 1000)))
      this.#revoked.set(id, true);
  }

  #forget(id: string): void {
    this.#revocations += 1;
    this.#revoked.set(id, true);
    this.#verified.deleteWhere(({ jti }) => jti === id);
    this.#notify(id);
  }

  #notify(id: string): void {
    for (const listener of [...this.#listeners.get(id)]) {
      if (this.#listeners.delete(id, listener)) listener();
    }
  }

  async #claimsOf(token: string): Promise<TokenClaims | undefined> {
    try {
      const { payload } = await jwtVerify(
        token,
        (header) => {
          const key = this.#keys.find(({ kid }) => kid === header.kid);
          if (!key) throw new Error('unknown key');
          return key.publicKey;
        },
        {
          algorithms: [ALGORITHM],
          audience: AUDIENCE,
          typ: TOKEN_TYPE,
          requiredClaims: ['exp', 'iat', 'sub', 'jti', 'org', 'scope'],
        },
      );
      const { jti, sub, org, scope, exp } = payload;
      if (typeof jti !== 'string' || typeof sub !== 'string' || typeof org !== 'string') return undefined;
      if (typeof scope !== 'string' || typeof exp !== 'number') return undefined;
      return {
        jti,
        clientId: sub,
        organizationId: org,
        scopes: scope.split(' ').filter((name) => name !== ''),
        expiresAtSec: exp,
      };
    } catch {
      // The caller learns only that the token is not valid, not why.
      return undefined;
    }
  }
}

async function createFirstKey(storage: Storage): Promise<SigningKey[]> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const jwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(jwk);
  const { kty, crv, x, y, d } = jwk;
  if (!kty || !crv || !x || !y || !d) throw new Error('The generated signing key is incomplete.');
  return storage.transaction(async (operations) => {
    // Another process may have created one in the meantime.
    const existing = await operations.listSigningKeys();
    if (existing.length > 0) return existing;
    const key = { kid, privateJwk: { kty, crv, x, y, d }, createdAt: new Date().toISOString() };
    await operations.insertSigningKey(key);
    return [key];
  });
}

async function loadKey(stored: SigningKey): Promise<LoadedKey> {
  const jwk = privateJwk(stored);
  const { d: _private, ...rest } = jwk;
  const publicJwk: JWK = { ...rest, kid: stored.kid, alg: ALGORITHM, use: 'sig' };
  return {
    kid: stored.kid,
    privateKey: await importEcKey(jwk),
    publicKey: await importEcKey(publicJwk),
    publicJwk,
  };
}

function privateJwk(stored: SigningKey): JWK & { kty: string } {
  const { privateJwk: value } = stored;
  if (!isRecord(value)) throw damagedKey(stored.kid);
  const { kty, crv, x, y, d } = value;
  if (kty !== 'EC' || typeof crv !== 'string' || typeof d !== 'string') throw damagedKey(stored.kid);
  if (typeof x !== 'string' || typeof y !== 'string') throw damagedKey(stored.kid);
  return { kty, crv, x, y, d };
}

async function importEcKey(jwk: JWK): Promise<CryptoKey> {
  const key = await importJWK(jwk, ALGORITHM);
  if (key instanceof Uint8Array) throw new Error('The signing key is not asymmetric.');
  return key;
}

function damagedKey(kid: string): Error {
  return new Error(`The stored signing key ${kid} is damaged.`);
}
