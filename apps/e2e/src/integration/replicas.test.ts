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
import { ReplicaSet, serverBin } from './replica-set.ts';
import { StreamWatcher } from './stream-watcher.ts';

/** `REPLICAS=full` is the whole proof: 200 writes a second for a minute, 300 streams. It needs a machine of its own. */
const isFull = process.env.REPLICAS === 'full';
const seconds = isFull ? 60 : 12;
const writesPerSecond = isFull ? 200 : 20;
const streams = isFull ? 300 : 20;
const killEveryMs = isFull ? 5_000 : 3_000;
const writers = isFull ? 16 : 4;

const keys = Array.from({ length: writers }, (_, index) => `counter${index}`);
const config = defineConfig({ public: Object.fromEntries(keys.map((key) => [key, z.number().default(0)])) });

interface Tally {
  /** The newest acknowledged value of each key. */
  acknowledged: Record<string, number>;
  /** Values whose write was tried more than once, because the first response was lost or a refusal. */
  repeated: Set<string>;
  sentAtMs: Map<string, number>;
  visibleMs: number[];
  /** The times between two acknowledged writes. */
  longestSilenceMs: number;
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
    const { api, schemaId, token, environmentId, organizationId } = await openShop(replicas);
    const url = `${replicas.url}/organizations/${organizationId}/config`;
    const tally: Tally = {
      acknowledged: {},
      repeated: new Set(),
      sentAtMs: new Map(),
      visibleMs: [],
      longestSilenceMs: 0,
    };
    const onChange = ({ key, value }: { key: string; value: number }, atMs: number): void => {
      const sentAtMs = tally.sentAtMs.get(`${key} ${value}`);
      if (sentAtMs !== undefined) tally.visibleMs.push(atMs - sentAtMs);
    };
    const watchers = Array.from(
      { length: streams },
      () => new StreamWatcher({ url: `${url}/stream?environment=development`, token, onChange }),
    );
    await expect.poll(() => watchers.every(({ revision }) => revision >= 0), { timeout: 60_000 }).toBe(true);

    const endsAtMs = performance.now() + seconds * 1_000;
    const isOver = (): boolean => performance.now() >= endsAtMs;
    const write = { url: `${url}/values`, token, schemaId, environmentId };
    const faults = runFaults({ replicas, postgres, isOver });
    await Promise.all(keys.map((key) => runWriter({ ...write, key, tally, isOver })));
    await faults;

    const stored = await settled(() => api.listValues('development'));
    for (const key of keys) expect([key, stored[key]]).toEqual([key, tally.acknowledged[key]]);
    const state = ({ values }: StreamWatcher): unknown => keys.map((key) => values[key]);
    const newest = keys.map((key) => tally.acknowledged[key]);
    await expect
      .poll(() => watchers.filter((one) => String(state(one)) !== String(newest)).length, { timeout: 60_000 })
      .toBe(0);
    await Promise.all(watchers.map((watcher) => watcher.stop()));
    expect(watchers.flatMap(({ violations }) => violations)).toEqual([]);
    // PostgreSQL has lost nothing, so nothing was loaded again.
    expect(Math.max(...watchers.map(({ epochs }) => epochs))).toBe(1);
    await expectWrittenOnce(postgres, database, tally);
    report(tally, watchers);
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
  const environments = await api.listEnvironments();
  const environmentId = environments.find(({ name }) => name === 'development')?.id ?? '';
  return { api, schemaId, environmentId, organizationId, token: await tokenProvider.getAccessToken() };
}

/** Kills a replica every few seconds and starts it again, and kills PostgreSQL twice. */
async function runFaults({
  replicas,
  postgres,
  isOver,
}: {
  replicas: ReplicaSet;
  postgres: TestPostgres;
  isOver: () => boolean;
}): Promise<void> {
  const restarts: Promise<void>[] = [];
  for (let round = 0; ; round += 1) {
    await delay(killEveryMs);
    if (isOver()) break;
    await replicas.kill(round % 3);
    restarts.push(replicas.restart(round % 3));
    if (round === 0 || round === 2) {
      await postgres.halt(round === 0 ? 'immediate' : 'fast');
      await delay(500);
      await postgres.resume();
    }
  }
  await Promise.all(restarts);
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

/** Writes 1, 2, 3, … and repeats each until it is acknowledged. */
async function runWriter({ url, token, tally, isOver, ...fields }: WriterOptions): Promise<void> {
  const { key } = fields;
  let lastMs = performance.now();
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
    tally.longestSilenceMs = Math.max(tally.longestSilenceMs, nowMs - lastMs);
    lastMs = nowMs;
    const sentAtMs = tally.sentAtMs.get(name) ?? nowMs;
    await delay(Math.max(0, (1_000 * writers) / writesPerSecond - (nowMs - sentAtMs)));
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

function report(tally: Tally, watchers: readonly StreamWatcher[]): void {
  const sorted = tally.visibleMs.sort((one, other) => one - other);
  const share = (part: number): number => Math.round(sorted[Math.floor(sorted.length * part)] ?? Number.NaN);
  const writes = Object.values(tally.acknowledged).reduce((sum, count) => sum + count, 0);
  const gap = Math.max(...watchers.map(({ longestGapMs }) => longestGapMs));
  const connections = watchers.reduce((sum, watcher) => sum + watcher.connections, 0);
  process.stdout.write(
    `replicas: ${writes} writes acknowledged, ${tally.repeated.size} of them repeated; ` +
      `write to visible p50 ${share(0.5)} ms, p99 ${share(0.99)} ms, max ${share(0.99999)} ms; ` +
      `longest time without an acknowledged write ${Math.round(tally.longestSilenceMs)} ms; ` +
      `${watchers.length} streams, ${connections} connections, longest without a stream ${Math.round(gap)} ms\n`,
  );
}
