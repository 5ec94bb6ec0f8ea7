import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createConfigServer } from '../create-config-server.ts';
import {
  adminOf,
  callApi,
  startServer,
  temporaryDirectory,
  tokenOf,
} from '../test-support/running-server.ts';

async function readJson(file: string): Promise<Record<string, string>> {
  return JSON.parse(await readFile(file, 'utf8')) as Record<string, string>;
}

describe('the first start', () => {
  it('writes the credentials beside the database, readable by the owner only', async () => {
    const directory = await temporaryDirectory();
    const server = await startServer({ db: join(directory, 'config.db') });
    expect(server.credentialsState).toBe('first');
    expect(server.credentialsFile).toBe(join(directory, 'config.db.credentials.json'));
    expect(await readJson(String(server.credentialsFile))).toEqual(adminOf(server));
    for (const name of await readdir(directory)) {
      expect((await stat(join(directory, name))).mode & 0o777, name).toBe(0o600);
      expect(name).not.toContain('.tmp');
      const found = await readFile(join(directory, name));
      if (!name.endsWith('.json')) expect(found.includes(adminOf(server).clientSecret), name).toBe(false);
    }
  });

  it('never replaces a file with other content', async () => {
    const directory = await temporaryDirectory();
    const credentialsFile = join(directory, 'package.json');
    await writeFile(credentialsFile, '{"name":"precious"}');
    const db = join(directory, 'config.db');
    await expect(createConfigServer({ env: {}, db, credentialsFile })).rejects.toMatchObject({
      code: 'ERR_CREDENTIALS_FILE',
      message: expect.stringContaining(credentialsFile),
    });
    expect(await readFile(credentialsFile, 'utf8')).toBe('{"name":"precious"}');
    // Nothing was created, so the next start is a first one again.
    const server = await startServer({ db });
    expect(server.credentialsState).toBe('first');
  });
});

describe('a later start', () => {
  it('keeps organization, secret and tokens, and updates the URLs', async () => {
    const db = join(await temporaryDirectory(), 'config.db');
    const first = await createConfigServer({ env: {}, db });
    const token = await tokenOf(first);
    const known = adminOf(first);
    await chmod(String(first.credentialsFile), 0o644);
    await first.close();
    const second = await startServer({ db });
    expect(second.organizationId).toBe(first.organizationId);
    expect(second.credentialsState).toBe('kept');
    expect(second.credentials).toBeUndefined();
    const file = String(second.credentialsFile);
    expect(await readJson(file)).toEqual({ ...known, apiUrl: second.url, authUrl: second.url });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await callApi(second, '/auth-clients', { token })).status).toBe(200);
    expect((await callApi(second, '/auth-clients', { token: await tokenOf(second, known) })).status).toBe(
      200,
    );
  });

  it('still refuses the tokens of a revoked client', async () => {
    const db = join(await temporaryDirectory(), 'config.db');
    const first = await createConfigServer({ env: {}, db });
    const admin = await tokenOf(first);
    const body = { type: 'm2m', name: 'x', scopes: ['config:admin'] };
    const made = await callApi(first, '/auth-clients', { token: admin, method: 'POST', body });
    const client = (await made.json()) as { id: string; clientId: string; clientSecret: string };
    const token = await tokenOf(first, client);
    await callApi(first, `/auth-clients/${client.id}`, { token: admin, method: 'DELETE' });
    await first.close();
    const second = await startServer({ db });
    expect((await callApi(second, '/auth-clients', { token })).status).toBe(401);
  });

  it('reports lost credentials and creates new ones on request', async () => {
    const db = join(await temporaryDirectory(), 'config.db');
    const first = await createConfigServer({ env: {}, db });
    await first.close();
    await rm(String(first.credentialsFile));
    const second = await createConfigServer({ env: {}, db });
    await second.close();
    expect(second.credentialsState).toBe('lost');
    await expect(stat(String(second.credentialsFile))).rejects.toThrow('ENOENT');

    const third = await startServer({ db, newAdminClient: true });
    expect(third.credentialsState).toBe('renewed');
    expect(third.organizationId).toBe(first.organizationId);
    expect(await readJson(String(third.credentialsFile))).toEqual(adminOf(third));
    expect((await callApi(third, '/auth-clients', { token: await tokenOf(third) })).status).toBe(200);
  });

  it('does not change a damaged credentials file', async () => {
    const db = join(await temporaryDirectory(), 'config.db');
    const first = await createConfigServer({ env: {}, db });
    await first.close();
    await writeFile(String(first.credentialsFile), '{"clientId":');
    const second = await startServer({ db });
    expect(second.credentialsState).toBe('lost');
    expect(await readFile(String(first.credentialsFile), 'utf8')).toBe('{"clientId":');
  });
});

describe('an unusable database', () => {
  it('is named in the error and not changed', async () => {
    const directory = await temporaryDirectory();
    const db = join(directory, 'notes.txt');
    await writeFile(db, 'not a database, but precious\n');
    await expect(createConfigServer({ env: {}, db })).rejects.toMatchObject({
      code: 'ERR_DATABASE_UNAVAILABLE',
      message: expect.stringContaining(db),
    });
    expect(await readFile(db, 'utf8')).toBe('not a database, but precious\n');
  });
});
