import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { defineConfig, toJsonSchema } from '@smooai/config';
import { ConfigApi, TokenProvider } from '@smooai/config/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  hasPostgres,
  startPostgres,
  type TestPostgres,
} from '../../../../packages/server/src/test-support/postgres.ts';
import { type Fault, recoveryTable } from './recovery-table.ts';
import { ReplicaSet, serverBin } from './replica-set.ts';
import { StreamWatcher } from './stream-watcher.ts';

/** `REPLICAS=full` is the whole proof: 200 writes a second for a minute, 300 streams. It needs a machine of its own. */
const isFull = process.env.REPLICAS === 'full';
const seconds = isFull ? 60 : 12;
const writesPerSecond = isFull ? 200 : 20;
const streams = isFull ? 300 : 20;
const killEveryMs = isFull ? 5_000 : 3_000;
const writers = isFull ? 48 : 4;
const environments = isFull ? 6 : 2;

const keys = Array.from({ length: writers }, (_, index) => `counter${index}`);
/** The keys that are written in an environment; each in one of them. */
const keysIn = (environment: number): string[] =>
  keys.filter((_, index) => index % environments === environment);
const config = defineConfig({ public: Object.fromEntries(keys.map((key) => [key, z.number().default(0)])) });

interface Tally {
  /** The newest acknowledged value of each key. */
  acknowledged: Record<string, number>;
  /** Values whose write was tried more than once, because the first response was lost or a refusal. */
  repeated: Set<string>;
  sentAtMs: Map<string, number>;
  visibleMs: number[];
  /** When each write was acknowledged, by `performance.now()`. */
  acknowledgedAtMs: number[];
}

describe.skipIf(!hasPostgres)('three replicas on PostgreSQL (left out if it is not installed)', () => {
  let postgres: TestPostgres;
  let database: string;
  let replicas: ReplicaSet;

  beforeAll(async () => {
    // With fsync, because PostgreSQL is killed below.
    postgres = await startPostgres([]);
    database = await postgres.createDatabase();
    replicas = await ReplicaSet.start(database, 3);
  });
  afterAll(async () => {
    await replicas?.stop();
    await postgres?.remove();
  });

  it('lose no acknowledged write, and no stream goes back, while replicas and PostgreSQL are killed', async () => {
    const { api, schemaId, token, environmentIds, organizationId } = await openShop(replicas);
    const url = `${replicas.url}/organizations/${organizationId}/config`;
    const tally: Tally = {
      acknowledged: {},
      repeated: new Set(),
      sentAtMs: new Map(),
      visibleMs: [],
      acknowledgedAtMs: [],
    };
    const onChange = ({ key, value }: { key: string; value: number }, atMs: number): void => {
      const sentAtMs = tally.sentAtMs.get(`${key} ${value}`);
      if (sentAtMs !== undefined) tally.visibleMs.push(atMs - sentAtMs);
    };
    const watchers = Array.from(
      { length: streams },
      (_, index) =>
        new StreamWatcher({ url: `${url}/stream?environment=env-${index % environments}`, token, onChange }),
    );
    await expect.poll(() => watchers.every(({ revision }) => revision >= 0), { timeout: 60_000 }).toBe(true);

    const endsAtMs = performance.now() + seconds * 1_000;
    const isOver = (): boolean => performance.now() >= endsAtMs;
    const running = runFaults({ replicas, postgres, isOver });
    const write = { url: `${url}/values`, token, schemaId, tally, isOver };
    await Promise.all(
      environmentIds.flatMap((environmentId, environment) =>
        keysIn(environment).map((key) => runWriter({ ...write, environmentId, key })),
      ),
    );
    const faults = await running;

    for (let environment = 0; environment < environments; environment += 1) {
      const stored = await settled(() => api.listValues(`env-${environment}`));
      for (const key of keysIn(environment)) {
        expect([key, stored[key]]).toEqual([key, tally.acknowledged[key]]);
      }
    }
    const isBehind = ({ values }: StreamWatcher, index: number): boolean =>
      keysIn(index % environments).some((key) => values[key] !== tally.acknowledged[key]);
    await expect.poll(() => watchers.filter(isBehind).length, { timeout: 60_000 }).toBe(0);
    await Promise.all(watchers.map((watcher) => watcher.stop()));
    expect(watchers.flatMap(({ violations }) => violations)).toEqual([]);
    // PostgreSQL has lost nothing, so nothing was loaded again.
    expect(Math.max(...watchers.map(({ epochs }) => epochs))).toBe(1);
    await expectWrittenOnce(postgres, database, tally);
    report(tally, watchers, faults);
  });

  it('a dry run of the migration has nothing to do, and names no password', async () => {
    const { SMOOAI_CONFIG_SERVER_DATABASE_URL: url = '', ...rest } = replicas.env;
    const env = { ...process.env, ...rest };
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [serverBin, 'migrate', '--dry-run', '--database', url],
      {
        env,
      },
    );
    expect(stdout).toMatch(/^postgres:\/\/127\.0\.0\.1:\d+\/config_\w+: nothing to do\n$/);
  });
});

async function openShop(replicas: ReplicaSet) {
  const { organizationId, clientId, clientSecret } = await replicas.credentials();
  const { url } = replicas;
  const tokenProvider = new TokenProvider({ authUrl: url, clientId, clientSecret });
  const api = new ConfigApi({ apiUrl: url, organizationId, tokenProvider });
  const { id: schemaId } = await api.createSchema({ name: 'counters', jsonSchema: toJsonSchema(config) });
  const environmentIds: string[] = [];
  for (let environment = 0; environment < environments; environment += 1) {
    environmentIds.push((await api.createEnvironment({ name: `env-${environment}` })).id);
  }
  return { api, schemaId, environmentIds, organizationId, token: await tokenProvider.getAccessToken() };
}

/** Kills a replica every few seconds and starts it again, and restarts PostgreSQL twice, once as after a crash. */
async function runFaults({
  replicas,
  postgres,
  isOver,
}: {
  replicas: ReplicaSet;
  postgres: TestPostgres;
  isOver: () => boolean;
}): Promise<Fault[]> {
  const restarts: Promise<void>[] = [];
  const faults: Fault[] = [];
  for (let round = 0; ; round += 1) {
    await delay(killEveryMs);
    if (isOver()) break;
    faults.push({ name: 'a server killed', atMs: performance.now() });
    await replicas.kill(round % 3);
    restarts.push(replicas.restart(round % 3));
    if (round === 0 || round === 2) {
      const mode = round === 0 ? 'immediate' : 'fast';
      const fault: Fault = { name: `PostgreSQL stopped (${mode})`, atMs: performance.now() };
      faults.push(fault);
      await postgres.halt(mode);
      await delay(500);
      await postgres.resume();
      fault.awayMs = performance.now() - fault.atMs;
    }
  }
  await Promise.all(restarts);
  return faults;
}

interface WriterOptions {
  url: string;
  token: string;
  schemaId: string;
  environmentId: string;
  key: string;
  tally: Tally;
  isOver: () => boolean;
}

/** Writes 1, 2, 3, … at a fixed rate and repeats each until it is acknowledged. Writes that a fault delayed follow at once. */
async function runWriter({ url, token, tally, isOver, ...fields }: WriterOptions): Promise<void> {
  const { key } = fields;
  const startedAtMs = performance.now();
  const everyMs = (1_000 * writers) / writesPerSecond;
  for (let value = 1; !isOver(); value += 1) {
    const body = JSON.stringify({ ...fields, value, tier: 'public' });
    const name = `${key} ${value}`;
    tally.sentAtMs.set(name, performance.now());
    for (;;) {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const response = await fetch(url, { method: 'PUT', headers, body }).catch(() => undefined);
      await response?.text().catch(() => undefined);
      if (response?.status === 200) break;
      if (response !== undefined && response.status !== 503) throw new Error(`PUT: ${response.status}`);
      tally.repeated.add(name);
      await delay(50);
    }
    tally.acknowledged[key] = value;
    const nowMs = performance.now();
    tally.acknowledgedAtMs.push(nowMs);
    await delay(Math.max(0, startedAtMs + value * everyMs - nowMs));
  }
}

async function settled<Result>(read: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await read();
    } catch {
      await delay(100);
    }
  }
}

/** Each acknowledged write is in the log once; one that was repeated may be there for each attempt. The log has the last 1,000. */
async function expectWrittenOnce(postgres: TestPostgres, database: string, tally: Tally): Promise<void> {
  const rows = await postgres.query(database, 'select changes from changes order by revision');
  const counts = new Map<string, number>();
  for (const row of rows) {
    for (const { key, value } of JSON.parse(String(row.changes))) {
      counts.set(`${key} ${value}`, (counts.get(`${key} ${value}`) ?? 0) + 1);
    }
  }
  const once = [...counts].filter(([name]) => tally.sentAtMs.has(name) && !tally.repeated.has(name));
  expect(once.filter(([, count]) => count !== 1)).toEqual([]);
  expect(once.length).toBeGreaterThan(0);
}

function report(tally: Tally, watchers: readonly StreamWatcher[], faults: readonly Fault[]): void {
  const sorted = tally.visibleMs.sort((one, other) => one - other);
  const share = (part: number): number => Math.round(sorted[Math.floor(sorted.length * part)] ?? Number.NaN);
  const writes = Object.values(tally.acknowledged).reduce((sum, count) => sum + count, 0);
  const connections = watchers.reduce((sum, watcher) => sum + watcher.connections, 0);
  process.stdout.write(
    `replicas: ${writes} writes acknowledged (${Math.round(writes / seconds)} a second), ${tally.repeated.size} of them repeated; ` +
      `write to visible p50 ${share(0.5)} ms, p99 ${share(0.99)} ms, max ${share(0.99999)} ms; ` +
      `${watchers.length} streams, ${connections} connections\n${recoveryTable({
        faults,
        acknowledgedAtMs: tally.acknowledgedAtMs,
        gaps: watchers.flatMap(({ gaps }) => gaps),
      })}\n`,
  );
}
