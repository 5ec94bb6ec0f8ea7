import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ChangeBus } from '../../domain/change-bus.ts';
import { ConfigService } from '../../domain/config-service.ts';
import { type EffectiveValue, readEffectiveValues } from '../../domain/effective-values.ts';
import { Refusal } from '../../domain/refusal.ts';
import { Domain } from '../../test-support/domain-fixture.ts';
import { hasPostgres, startPostgres, type TestPostgres } from '../../test-support/postgres.ts';
import { startReplicas } from '../../test-support/replicas.ts';
import { shopDocument } from '../../test-support/shop-server.ts';
import { insertShop, schemaRow } from '../../test-support/storage-fixtures.ts';
import type { ChangeRecord, Environment, Storage } from '../storage.ts';
import { StorageError } from '../storage-error.ts';
import { openPostgresStorage } from './postgres-storage.ts';
import { TAKE_WRITE_LOCK } from './write-lock.ts';

const encryptionKey = randomBytes(32);
const MAX_MS = 600_000;

describe.skipIf(!hasPostgres)('on PostgreSQL (left out if it is not installed)', { timeout: MAX_MS }, () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startPostgres();
    return () => postgres.remove();
  }, MAX_MS);

  /** The services of some processes that share a database. */
  async function startDomains(count: number): Promise<{ domains: [Domain, ...Domain[]]; url: string }> {
    const url = await postgres.createDatabase();
    const open = () => untilReached(() => openPostgresStorage({ url, encryptionKey }));
    const first = await open();
    const { schema: unused, ...inserted } = await insertShop(first);
    await first.deleteSchema(unused.id);
    const schema = schemaRow(inserted.organization, { jsonSchema: shopDocument() });
    await first.insertSchema(schema);
    const start = async (storage: Storage): Promise<Domain> => {
      const access = { accessChanged: () => undefined, accessUnknown: () => undefined };
      const options = { changes: new ChangeBus(), log: { error: () => undefined } };
      const service = new ConfigService({ storage, ...options, replica: { access, maxOfflineMs: MAX_MS } });
      await untilReached(() => service.start());
      onTestFinished(async () => {
        await service.close();
        await storage.close();
      });
      return new Domain(storage, service, { ...inserted, schema });
    };
    const domains: [Domain, ...Domain[]] = [await start(first)];
    for (let rest = count - 1; rest > 0; rest -= 1) {
      domains.push(await start(await open()));
    }
    return { domains, url };
  }

  it('environments get other fallbacks and come and go during writes, and all processes agree', async () => {
    const { domains } = await startDomains(3);
    const [{ storage }] = domains;
    const environments: Environment[] = [];
    for (const name of ['a', 'b', 'c', 'd', 'e']) environments.push(await domains[0].addEnvironment(name));
    await Promise.all(
      domains.flatMap((domain, process) =>
        [1, 2].map(async (worker) => {
          for (let step = 0; step < 24; step += 1) {
            const round = process * 31 + worker * 17 + step * 7;
            await attempt(() => act(domain, environments, round));
          }
        }),
      ),
    );
    for (const environment of environments) {
      const found = await untilReached(() => storage.findEnvironment(environment.id));
      const effective = found && (await untilReached(() => readEffectiveValues(storage, found)));
      const expected = plain(effective?.values.values() ?? []);
      for (const { service } of domains) {
        const seen = async () => plain((await service.viewById(environment.id))?.values.values() ?? []);
        await expect.poll(seen, { timeout: MAX_MS }).toEqual(expected);
      }
      // A client that only got the changes has the same.
      const changes = () => storage.listChangesSince(environment.id, environment.revision);
      expect(replay(await untilReached(changes))).toEqual(expected);
    }
  });

  it('a write that waits too long for a lock is a 503 that says when to try again, and changes nothing', async () => {
    const { database, shops } = await startReplicas(postgres);
    const shop = shops[0];
    const put = () => shop.call('PUT', '/values', shop.write({ key: 'theme', value: 'dark' }));
    const operator = await connect(database);
    await operator.query(`begin; ${TAKE_WRITE_LOCK}`);
    const refused = await put();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2']);
    await operator.query('rollback');
    expect((await shop.call('GET', '/values/theme?environment=development')).status).toBe(404);
    await expect.poll(async () => (await put()).status, { timeout: MAX_MS }).toBe(200);
  });

  it('a write that PostgreSQL ends because of a deadlock can be tried again', async () => {
    const { domains, url } = await startDomains(1);
    const [{ storage, addEnvironment }] = domains;
    const [one, two] = [await addEnvironment('one'), await addEnvironment('two')];
    const operator = await connect(url);
    // So that PostgreSQL ends the other session.
    await operator.query(`set deadlock_timeout = '1h'`);
    const touch = (id: string) =>
      operator.query(`update environments set description = 'x' where id = '${id}'`);
    await operator.query('begin');
    await touch(two.id);
    const both = storage.transaction(async (operations) => {
      await operations.updateEnvironment({ ...one, description: 'new' });
      const touched = touch(one.id);
      await operations.updateEnvironment({ ...two, description: 'new' });
      await touched;
    });
    await expect(both).rejects.toMatchObject({ code: 'ERR_STORAGE_UNAVAILABLE' });
    await operator.query('commit');
    const found = await untilReached(() => storage.findEnvironment(one.id));
    expect(found).not.toMatchObject({ description: 'new' });
  });
});

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

/** One of the writes that change trees, or something in them. */
async function act(domain: Domain, all: readonly Environment[], round: number): Promise<void> {
  const { service } = domain;
  const caller = domain.principal();
  const at = (index: number) => all[index % all.length] as Environment;
  const environment = at(round);
  const email = `${round}@${environment.name}.test`;
  switch (round % 8) {
    case 0:
    case 1:
    case 2:
      return domain.set('supportEmail', email, environment);
    case 3: {
      const target = { environment: environment.name, key: 'supportEmail', force: false };
      return service.values.delete(caller, target);
    }
    case 4:
    case 5: {
      const fallbackEnvironmentId = round % 3 === 0 ? null : at(round * 3 + 1).id;
      await service.environments.update(caller, environment.id, { fallbackEnvironmentId });
      return;
    }
    case 6: {
      const writes = all.map((one, index) => domain.write('cartItems', ((round + index) % 5) + 1, one));
      await service.values.set(caller, writes, () => '');
      return;
    }
    default: {
      const name = `passing-${round}`;
      const passing = await service.environments.create(caller, {
        name,
        fallbackEnvironmentId: environment.id,
      });
      await Promise.all([
        attempt(() => domain.set('supportEmail', email, passing)),
        attempt(() => service.environments.delete(caller, passing.id)),
        attempt(() => domain.set('supportEmail', email, environment)),
      ]);
    }
  }
}

/** Others may have made it impossible, such as a fallback that is a cycle by now. */
async function attempt(work: () => Promise<void>): Promise<void> {
  await untilReached(work).catch((error: unknown) => {
    if (!(error instanceof Refusal)) throw error;
  });
}

/** Repeats what waits too long for a lock or a connection, as it can on a machine that stops for seconds. */
async function untilReached<Result>(work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StorageError && error.code === 'ERR_STORAGE_UNAVAILABLE')) throw error;
    }
  }
}

function plain(values: Iterable<EffectiveValue>): Record<string, unknown> {
  return Object.fromEntries([...values].map(({ key, value }) => [key, value]));
}

function replay(records: readonly ChangeRecord[] | undefined): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const change of records?.flatMap(({ changes }) => changes) ?? []) {
    if (!('key' in change)) continue;
    if ('value' in change) values[change.key] = change.value;
    else delete values[change.key];
  }
  return values;
}
