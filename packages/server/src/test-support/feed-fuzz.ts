import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EvaluationContext } from '@smooai/config';
import fc from 'fast-check';
import { expect } from 'vitest';
import { mayUseEnvironment } from '../domain/access.ts';
import { ChangeBus } from '../domain/change-bus.ts';
import { ConfigService } from '../domain/config-service.ts';
import type { EnvironmentView } from '../domain/environment-view.ts';
import { Refusal } from '../domain/refusal.ts';
import { createSnapshot } from '../domain/snapshot.ts';
import { SnapshotFeeds } from '../domain/snapshot-feeds.ts';
import {
  type AnyWrite,
  anyContext,
  anyPlace,
  anyWrite,
  documentOf,
  FIRST_WRITES,
  type Place,
  weighted,
} from './arbitrary-writes.ts';
import type { Domain } from './domain-fixture.ts';
import { applyEvent, type FeedEvent, FeedPage, type FeedPageOptions } from './feed-page.ts';

type Command =
  | { type: 'write'; write: AnyWrite; isAwaited: boolean }
  | { type: 'join'; at: Place; context: EvaluationContext; isHeavy: boolean; isLimited: boolean }
  | { type: 'full' | 'room' | 'leave'; index: number }
  | { type: 'turns'; turns: number }
  | { type: 'quiet' };

const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  weighted(16, fc.record({ type: fc.constant('write' as const), write: anyWrite, isAwaited: fc.boolean() })),
  weighted(
    4,
    fc.record({
      type: fc.constant('join' as const),
      at: anyPlace,
      context: anyContext,
      isHeavy: fc.constantFrom(true, false, false),
      isLimited: fc.boolean(),
    }),
  ),
  weighted(
    6,
    fc.record({ type: fc.constantFrom(...(['full', 'full', 'room'] as const)), index: fc.nat(20) }),
  ),
  weighted(1, fc.record({ type: fc.constant('leave' as const), index: fc.nat(20) })),
  weighted(4, fc.record({ type: fc.constant('turns' as const), turns: fc.integer({ min: 1, max: 8 }) })),
  weighted(2, fc.record({ type: fc.constant('quiet' as const) })),
);

/** Two environments with streams of their own feeds, and what was found wrong. */
class World {
  readonly faults: unknown[] = [];
  patches = 0;
  readonly #domain: Domain;
  readonly #service: ConfigService;
  readonly #feeds: SnapshotFeeds;
  readonly #ids: Record<Place, string>;
  /** Every view that the feeds have read, by environment and revision. */
  readonly #views = new Map<string, EnvironmentView>();
  readonly #pages: FeedPage[] = [];
  readonly #running = new Set<Promise<void>>();
  #marker = 0;

  constructor(domain: Domain, childId: string) {
    const changes = new ChangeBus();
    const log = { error: (...line: unknown[]) => void this.faults.push(line) };
    this.#domain = domain;
    this.#ids = { base: domain.shop.environment.id, child: childId };
    this.#service = new ConfigService({ storage: domain.storage, changes, log });
    this.#feeds = new SnapshotFeeds({
      changes,
      log,
      readView: async (id) => {
        const view = await this.#service.viewById(id);
        if (view !== undefined) this.#views.set(`${id} ${view.revision}`, view);
        return view;
      },
    });
  }

  static async create(domain: Domain): Promise<World> {
    const child = await domain.addEnvironment('child', domain.shop.environment);
    const world = new World(domain, child.id);
    for (const write of FIRST_WRITES) await world.#write(write);
    return world;
  }

  async run(command: Command): Promise<void> {
    if (command.type === 'write') return this.#start(command);
    if (command.type === 'join') {
      const { context, isHeavy, isLimited } = command;
      const environments = isLimited ? ['development', 'child'] : undefined;
      this.#pages.push(this.#open({ environmentId: this.#ids[command.at], context, isHeavy, environments }));
      return;
    }
    if (command.type === 'quiet') return this.quiet();
    if (command.type === 'turns') {
      for (let turn = 0; turn < command.turns; turn += 1) await nextTurn();
      return;
    }
    const page = this.#pages[command.index % Math.max(1, this.#pages.length)];
    if (command.type === 'leave') page?.end();
    else if (command.type === 'full') page?.fill();
    else page?.makeRoom();
  }

  /** Once every write has ended and every page has room, each has the snapshot of its context. */
  async quiet(): Promise<void> {
    await Promise.all(this.#running);
    this.#marker += 1;
    const schemaId = this.#domain.shop.schema.id;
    const write = { key: 'marker', value: this.#marker, tier: 'public' as const, schemaId };
    const writes = Object.values(this.#ids).map((environmentId) => ({ ...write, environmentId }));
    await this.#service.values.set(this.#domain.principal(), writes, () => '');
    // Streams that join last are served last.
    const last = Object.values(this.#ids).map((environmentId) => this.#open({ environmentId }));
    const isServed = ({ snapshot }: FeedPage): boolean => snapshot !== undefined;
    await expect.poll(() => this.faults.length > 0 || last.every(isServed), { interval: 1 }).toBe(true);
    for (const page of last) page.end();
    for (const page of this.#pages) page.makeRoom();
    expect(this.faults).toEqual([]);
    for (const page of this.#pages) await this.#check(page);
  }

  async #check({ environmentId, principal, attributes, isEnded, snapshot }: FeedPage): Promise<void> {
    const view = await this.#service.viewById(environmentId);
    if (view === undefined) throw new Error('The environment is gone.');
    if (!isEnded) expect(snapshot).toEqual(createSnapshot(view, attributes));
    // Renamed, and perhaps back.
    if (!mayUseEnvironment(principal, view.environment.name)) expect(isEnded).toBe(true);
  }

  async close(): Promise<void> {
    await Promise.all(this.#running);
    for (const page of this.#pages) page.end();
    await this.#service.close();
  }

  async #start({ write, isAwaited }: { write: AnyWrite; isAwaited: boolean }): Promise<void> {
    const running = this.#write(write).catch((error: unknown) => {
      if (!(error instanceof Refusal)) this.faults.push(error);
    });
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
    if (isAwaited) await running;
  }

  async #write(write: AnyWrite): Promise<void> {
    const { values, segments, schemas, environments } = this.#service;
    const caller = this.#domain.principal();
    const schemaId = this.#domain.shop.schema.id;
    const nameOf = async (place: Place): Promise<string> =>
      (await this.#service.viewById(this.#ids[place]))?.environment.name ?? '';
    switch (write.type) {
      case 'set':
        await values.set(
          caller,
          [{ ...write.input, environmentId: this.#ids[write.at], schemaId }],
          () => '',
        );
        break;
      case 'delete':
        await values.delete(caller, { environment: await nameOf(write.at), key: write.key, force: true });
        break;
      case 'segment': {
        const { name, condition } = write;
        await segments.put(caller, { environment: await nameOf(write.at), name }, { condition });
        break;
      }
      case 'fallback':
        await environments.update(caller, this.#ids.child, {
          fallbackEnvironmentId: write.isOn ? this.#ids.base : null,
        });
        break;
      case 'push':
        await schemas.push(caller, schemaId, { jsonSchema: documentOf(write.version), force: true });
        break;
      case 'rename':
        await environments.update(caller, this.#ids.child, { name: write.name });
    }
  }

  #open(options: Pick<FeedPageOptions, 'environmentId'> & Partial<FeedPageOptions>): FeedPage {
    const page = new FeedPage({
      context: {},
      received: (one, event) => this.#received(one, event),
      fault: (error) => this.faults.push(error),
      ...options,
    });
    page.open(this.#feeds);
    return page;
  }

  /** After each event, not only in the end, a page has one revision of everything. */
  #received(page: FeedPage, event: FeedEvent): void {
    const before = page.snapshot;
    const next = applyEvent(before, event);
    if (event.name === 'patch') this.patches += 1;
    expect(Number(next.revision)).toBeGreaterThan(Number(before?.revision ?? -1));
    expect(Buffer.from(event.bytes).toString()).not.toContain('sk_hidden');
    const view = this.#views.get(`${page.environmentId} ${next.revision}`);
    if (view === undefined) throw new Error(`No view has the revision ${next.revision}.`);
    expect(page.principal.environments ?? [view.environment.name]).toContain(view.environment.name);
    expect(next).toEqual(createSnapshot(view, page.attributes));
    page.snapshot = next;
  }
}

/**
 * Writes at random to a service whose feeds have readers with and without room. Fails if a reader has, after one of its
 * events, something else than the snapshot of one revision, or misses a change in the end. Returns the number of patches.
 */
export async function fuzzFeeds(newDomain: () => Promise<Domain>, numRuns: number): Promise<number> {
  let patches = 0;
  const commands = fc.array(anyCommand, { minLength: 20, maxLength: 100, size: 'max' });
  await fc.assert(
    fc.asyncProperty(commands, async (all) => {
      const world = await World.create(await newDomain());
      try {
        for (const command of all) await world.run(command);
        await world.quiet();
      } finally {
        await world.close();
        patches += world.patches;
      }
    }),
    { numRuns, endOnFailure: true },
  );
  return patches;
}
