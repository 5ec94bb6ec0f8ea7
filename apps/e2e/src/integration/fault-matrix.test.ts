import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Moment, moments, openCell, RestorableShop } from './fault-cell.ts';
import { faults, type NamedFault } from './faults.ts';
import { type Shop, type ShopEnvironment, startShop, untilSeen } from './live-shop.ts';

const soon = { timeout: 60_000, interval: 5 };
/** Shortest duration of a fault; longer than each of the client's timeouts. */
const faultMs = 4_000;

const restored = 'older database';
const recoveries = new Map<string, Partial<Record<Moment, number>>>();
const unhandled: unknown[] = [];
const onUnhandled = (error: unknown): unknown => unhandled.push(error);
let shop: Shop;

type Cell = Awaited<ReturnType<typeof openCell>>;

beforeAll(async () => {
  process.on('unhandledRejection', onUnhandled);
  shop = await startShop();
});

afterAll(async () => {
  await shop.server.close();
  process.off('unhandledRejection', onUnhandled);
  process.stdout.write(recoveryTable());
  expect(unhandled).toEqual([]);
});

for (const moment of moments) {
  describe.concurrent(`a client, at ${moment}`, () => {
    it.for(faults)('recovers from: $name', async (fault, { onTestFinished }) => {
      const cell = await openCell(shop, moment, onTestFinished);
      const run = moment === 'start' ? startThrough : runThrough;
      const newest = await run(cell, fault, moment);
      const transport = moment === 'polling' ? 'polling' : 'stream';
      await vi.waitFor(
        () => expect(cell.client.health()).toMatchObject({ status: 'ready', transport }),
        soon,
      );
      await cell.environment.write(newest + 1);
      await untilSeen(cell.client, newest + 1);
      expect([cell.reader.faults, cell.reader.steppedBack()]).toEqual([[], []]);
    });

    it(`recovers from: a server that returns with an ${restored}`, async ({ onTestFinished }) => {
      const own = await RestorableShop.start(onTestFinished);
      const cell = await openCell(own.shop, moment, onTestFinished);
      await restoreUnder(cell, own, moment);
      expect(cell.reader.faults).toEqual([]);
      // Back to the version of the backup, and no further.
      expect(cell.reader.versions).toEqual(moment === 'start' ? [0, 1, 2] : [0, 7, 1, 2]);
    });
  });
}

async function startThrough(
  { client, proxy, environment }: Cell,
  fault: NamedFault,
  moment: Moment,
): Promise<number> {
  const older = await environment.ruleset();
  await environment.write(2);
  await proxy.begin(fault.make(older), fault.open);
  const started = client.ready({ timeoutMs: 60_000 }).catch((error: unknown) => error);
  if (fault.refusesStart) expect(await started).toMatchObject({ status: 401 });
  else if (fault.reaches === 'nothing') await pause(faultMs);
  else expect(await started).toBe(client);
  if (fault.reaches === 'nothing' && fault.sparesTokens) {
    // A second request proves that the first met the fault, and that the machine is not merely busy.
    const asked = (): string[] => proxy.seen.filter((line) => line.endsWith('/ruleset'));
    await vi.waitFor(() => expect(asked().length).toBeGreaterThan(1), soon);
  }
  const statuses = { nothing: fault.refusesStart ? 'failed' : 'starting', older: 'ready', newest: 'ready' };
  expect(client.health().status).toBe(statuses[fault.reaches]);
  if (fault.reaches === 'nothing') {
    expect(client.flagDetails('left')).toMatchObject({ value: 0, errorCode: 'ERR_NOT_READY' });
  }
  await environment.write(3);
  const clearedAt = performance.now();
  await endOf(fault, proxy);
  if (fault.refusesStart) await client.ready({ timeoutMs: 60_000 });
  else expect(await started).toBe(client);
  await untilSeen(client, 3);
  noteRecovery(fault.name, moment, clearedAt);
  return 3;
}

async function runThrough(
  { client, proxy, environment }: Cell,
  fault: NamedFault,
  moment: Moment,
): Promise<number> {
  const older = await environment.ruleset();
  await environment.write(2);
  await client.ready({ timeoutMs: 60_000 });
  await vi.waitFor(() => expect(client.health().transport).toBe(moment), soon);
  await untilSeen(client, 2);
  await proxy.begin(fault.make(older), fault.open);
  const newest = fault.reaches === 'newest' ? 12 : 3;
  for (let version = 3; version <= newest; version += 1) await environment.write(version);
  if (fault.reaches === 'newest') {
    await untilSeen(client, newest);
  } else {
    const isReached = fault.reaches === 'older';
    const health = isReached
      ? { status: 'ready', transport: moment }
      : { status: 'stale', transport: 'none' };
    await vi.waitFor(() => expect(client.health()).toMatchObject(health), soon);
    await pause(faultMs);
    // The last good values, with their true age.
    expect(client.flag('left')).toBe(2);
    await vi.waitFor(() => expect(client.health().status).toBe(health.status), soon);
    expect(client.health().ageMs).toBeGreaterThanOrEqual(faultMs - 100);
  }
  const clearedAt = performance.now();
  await endOf(fault, proxy);
  await untilSeen(client, newest);
  noteRecovery(fault.name, moment, clearedAt);
  return newest;
}

async function restoreUnder(cell: Cell, own: RestorableShop, moment: Moment): Promise<void> {
  const { client, proxy, environment } = cell;
  await own.stop();
  await own.backUp();
  await own.startBehind(proxy);
  const write = async (version: number): Promise<void> => {
    const current: ShopEnvironment = await own.environment(environment.name);
    await current.write(version);
  };
  for (const version of [5, 6, 7]) await write(version);
  if (moment !== 'start') {
    await client.ready({ timeoutMs: 60_000 });
    await vi.waitFor(() => expect(client.health().transport).toBe(moment), soon);
    await untilSeen(client, 7);
  }
  const before = Number(client.health().revision ?? 0);
  await own.stop();
  const started = moment === 'start' ? client.ready({ timeoutMs: 60_000 }) : undefined;
  if (moment === 'start') await pause(faultMs);
  else await vi.waitFor(() => expect(client.health().status).toBe('stale'), soon);
  await own.restore();
  await own.startBehind(proxy);
  const clearedAt = performance.now();
  await started;
  await untilSeen(client, 1);
  if (moment !== 'start') expect(Number(client.health().revision)).toBeLessThan(before);
  noteRecovery(restored, moment, clearedAt);
  await write(2);
  await untilSeen(client, 2);
}

async function endOf(fault: NamedFault, proxy: Cell['proxy']): Promise<void> {
  await proxy.end();
  // These faults keep connections open that would otherwise never end.
  if (fault.reaches !== 'nothing') proxy.cut();
}

function noteRecovery(name: string, moment: Moment, clearedAt: number): void {
  recoveries.set(name, { ...recoveries.get(name), [moment]: performance.now() - clearedAt });
}

function recoveryTable(): string {
  const row = (name: string, cells: string[]): string =>
    `${name.padEnd(26)}${cells.map((cell) => cell.padStart(9)).join('')}`;
  const rows = [...faults.map(({ name }) => name), restored].map((name) =>
    row(
      name,
      moments.map((moment) => recoveries.get(name)?.[moment]?.toFixed(0) ?? '-'),
    ),
  );
  const title = 'Milliseconds from the end of the fault to the newest value';
  return `\n${title}\n${[row('', [...moments]), ...rows].join('\n')}\n\n`;
}
