import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createConfigServer } from './create-config-server.ts';
import type { ConfigServerOptions } from './server-options.ts';
import { hasPostgres, startPostgres, type TestPostgres } from './test-support/postgres.ts';
import {
  adminOf,
  callApi,
  jsonOf,
  startServer,
  temporaryDirectory,
  tokenOf,
} from './test-support/running-server.ts';

const env = { SMOOAI_CONFIG_SERVER_ENCRYPTION_KEY: randomBytes(32).toString('base64') };

describe.skipIf(!hasPostgres)('a server on PostgreSQL (left out if it is not installed)', () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startPostgres();
    return () => postgres.remove();
  });

  const options = async (more: ConfigServerOptions = {}): Promise<ConfigServerOptions> => ({
    database: await postgres.createDatabase(),
    env,
    ...more,
  });

  it('keeps its data and its tokens when it starts again', async () => {
    const shared = await options();
    const first = await createConfigServer(shared);
    expect(first.credentialsState).toBe('first');
    expect(first.environments).toEqual(['development', 'production', 'staging']);
    const token = await tokenOf(first);
    await first.close();
    const second = await startServer(shared);
    expect(second.credentialsState).toBe('elsewhere');
    expect(second.organizationId).toBe(first.organizationId);
    expect((await callApi(second, '/config/environments', { token })).status).toBe(200);
  });

  it('says in its metrics that it is connected, and how old its knowledge is', async () => {
    const { metricsUrl = '' } = await startServer(await options({ metrics: {} }));
    const text = await (await fetch(metricsUrl)).text();
    expect(text).toMatch(/^smooai_config_database_connected 1$/m);
    expect(text).toMatch(/^smooai_config_database_lag_seconds [0-9.e-]+$/m);
  });

  it('has one organization and one admin when several start together on an empty database', async () => {
    const shared = await options();
    const servers = await Promise.all([startServer(shared), startServer(shared), startServer(shared)]);
    expect(new Set(servers.map(({ organizationId }) => organizationId)).size).toBe(1);
    const [first, ...others] = servers.filter(({ credentials }) => credentials !== undefined);
    expect(others).toEqual([]);
    const token = await tokenOf(first as (typeof servers)[0]);
    for (const server of servers) {
      expect((await callApi(server, '/config/environments', { token })).status).toBe(200);
    }
  });

  it('refuses an empty database if there are credentials of another one, unless it is to begin anew', async () => {
    const file = join(await temporaryDirectory(), 'credentials.json');
    const first = await createConfigServer(await options({ credentialsFile: file }));
    await first.close();
    const before = await readFile(file, 'utf8');
    const wrong = await options({ credentialsFile: file });
    await expect(createConfigServer(wrong)).rejects.toMatchObject({ code: 'ERR_DATABASE_MISSING' });
    expect(await readFile(file, 'utf8')).toBe(before);
    const anew = await startServer({ ...wrong, beginAnew: true });
    expect(anew.organizationId).not.toBe(first.organizationId);
  });

  it('says that the credentials in its file are lost if they belong to another database', async () => {
    const file = join(await temporaryDirectory(), 'credentials.json');
    const shared = await options();
    const first = await startServer(shared);
    await writeFile(file, JSON.stringify({ ...adminOf(first), clientSecret: 'sk_wrong' }));
    const second = await startServer({ ...shared, credentialsFile: file });
    expect(second.credentialsState).toBe('lost');
  });

  it('needs a key in the environment, and never shows the password of the database', async () => {
    const url = new URL(await postgres.createDatabase());
    await expect(createConfigServer({ database: url.href, env: {} })).rejects.toMatchObject({
      code: 'ERR_DATABASE_UNAVAILABLE',
      message: expect.stringContaining('SMOOAI_CONFIG_SERVER_ENCRYPTION_KEY'),
    });
    url.password = 'hush-hush';
    url.port = '1';
    const error = await createConfigServer({ database: url.href, env }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ERR_DATABASE_UNAVAILABLE' });
    expect(String(error)).toContain('cannot be reached');
    expect(String(error)).not.toContain('hush');
  });

  it('refuses a taken name with a message', async () => {
    const server = await startServer(await options());
    const token = await tokenOf(server);
    const body = { name: 'staging' };
    const response = await callApi(server, '/config/environments', { token, method: 'POST', body });
    expect(response.status).toBe(409);
    expect((await jsonOf(response)).message).toBe('Field "name": there is an environment "staging" already.');
  });
});

describe('the option database', () => {
  it.each([
    [
      'with the option db',
      { db: 'a.db', database: 'postgres://user:hush@host/name' },
      /excludes the option db/,
    ],
    ['that is not a URL', { database: 'hush' }, /option database: The URL of the database is not valid/],
    ['of another engine', { database: 'mysql://user:hush@host/name' }, /is not valid/],
    ['without a name', { database: 'postgres://user:hush@host' }, /must end with the name/],
  ])('is refused %s', async (_, options, message) => {
    const error = await createConfigServer({ ...options, env }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ERR_OPTIONS_INVALID', message: expect.stringMatching(message) });
    expect(String(error)).not.toContain('hush');
  });
});
