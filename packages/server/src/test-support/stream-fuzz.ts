import type { EvaluationContext, RulesetChange, Snapshot, SnapshotPatch } from '@smooai/config';
import fc from 'fast-check';
import { expect } from 'vitest';
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
import { EventReader, type ReadEvent } from './event-reader.ts';
import { applyPatch } from './feed-page.ts';
import type { ApiResponse, Shop } from './shop-server.ts';

type Command =
  | { type: 'write'; write: AnyWrite; shop: number; isAwaited: boolean }
  | { type: 'snapshot'; at: Place; context: EvaluationContext; shop: number }
  | { type: 'ruleset'; at: Place; shop: number }
  | { type: 'move'; index: number; shop: number }
  | { type: 'quiet' };

const shop = fc.nat(2);
const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  weighted(
    10,
    fc.record({ type: fc.constant('write' as const), write: anyWrite, shop, isAwaited: fc.boolean() }),
  ),
  weighted(3, fc.record({ type: fc.constant('snapshot' as const), at: anyPlace, context: anyContext, shop })),
  weighted(2, fc.record({ type: fc.constant('ruleset' as const), at: anyPlace, shop })),
  weighted(3, fc.record({ type: fc.constant('move' as const), index: fc.nat(20), shop })),
  weighted(1, fc.record({ type: fc.constant('quiet' as const) })),
);

/** A client of one event stream. It reads all events that arrive, and may go on at another server. */
abstract class StreamClient {
  readonly at: Place;
  shop: Shop;
  revision = -1;
  protected stream: EventReader | undefined;

  constructor(shop: Shop, at: Place) {
    this.shop = shop;
    this.at = at;
  }

  abstract open(name: string): Promise<void>;
  abstract get marker(): unknown;
  abstract check(name: string): Promise<void>;
  protected abstract apply(event: ReadEvent): void;

  /** Ends the stream and opens another one at a server. */
  async move(to: Shop, name: string): Promise<void> {
    this.close();
    this.shop = to;
    await this.open(name);
  }

  close(): void {
    this.stream?.close();
  }

  /** Reads until the marker has a value. */
  async readUntil(marker: number): Promise<void> {
    while (this.marker !== marker) {
      if (this.stream === undefined) throw new Error('The stream is not open.');
      const event = await this.stream.next();
      expect(event.id).toBe(event.data.revision);
      this.apply(event);
    }
  }

  /** A stream that begins anew may send the revision that the client has. */
  protected advance({ event, data }: ReadEvent): void {
    const revision = Number(data.revision);
    if (event === 'patch' || event === 'change') expect(revision).toBeGreaterThan(this.revision);
    else expect(revision).toBeGreaterThanOrEqual(this.revision);
    this.revision = revision;
  }
}

class SnapshotClient extends StreamClient {
  readonly #context: EvaluationContext;
  #snapshot: Snapshot | undefined;

  constructor(shop: Shop, at: Place, context: EvaluationContext) {
    super(shop, at);
    this.#context = context;
  }

  get marker(): unknown {
    return this.#snapshot?.public.marker;
  }

  async open(name: string): Promise<void> {
    const context = Buffer.from(JSON.stringify(this.#context)).toString('base64url');
    const headers: Record<string, string> =
      this.revision < 0 ? {} : { 'last-event-id': String(this.revision) };
    const path = `/snapshot/stream?environment=${name}&context=${context}`;
    this.stream = await EventReader.open(this.shop, path, headers);
    expect(this.stream.response.status).toBe(200);
  }

  async check(environment: string): Promise<void> {
    const { status, body } = await this.shop.call('POST', '/snapshot', {
      environment,
      context: this.#context,
    });
    expect(status).toBe(200);
    expect(this.#snapshot).toEqual(body);
  }

  protected apply(event: ReadEvent): void {
    this.advance(event);
    this.#snapshot = applyPatch(
      event.event === 'snapshot' ? undefined : this.#snapshot,
      event.data as unknown as SnapshotPatch,
    );
  }
}

class RulesetClient extends StreamClient {
  #values = new Map<string, unknown>();
  #segments: unknown;
  #epoch = '';

  get marker(): unknown {
    return this.#values.get('public.marker');
  }

  async open(name: string): Promise<void> {
    const isNew = this.revision < 0;
    const path = `/stream?environment=${name}${isNew ? '' : `&epoch=${this.#epoch}`}`;
    const headers: Record<string, string> = isNew ? {} : { 'last-event-id': String(this.revision) };
    this.stream = await EventReader.open(this.shop, path, headers);
    expect(this.stream.response.status).toBe(200);
  }

  async check(name: string): Promise<void> {
    const { values, segments, epoch, revision } = parse(await this.shop.ruleset(name));
    expect(this.#values).toEqual(values);
    expect({ segments: this.#segments, epoch: this.#epoch }).toEqual({ segments, epoch });
    expect(this.revision).toBe(revision);
  }

  protected apply(event: ReadEvent): void {
    if (event.event === 'ruleset') {
      this.advance(event);
      ({ values: this.#values, segments: this.#segments, epoch: this.#epoch } = parse(event.data));
      return;
    }
    expect(Number(event.data.previousRevision)).toBe(this.revision);
    this.advance(event);
    for (const change of event.data.changes as unknown as RulesetChange[]) {
      if ('segments' in change) this.#segments = change.segments;
      else {
        const group = { public: 'public', secret: 'secret', feature_flag: 'flags', limit: 'limits' }[
          change.tier
        ];
        // A key has one tier.
        for (const other of ['public', 'secret', 'flags', 'limits'])
          this.#values.delete(`${other}.${change.key}`);
        if ('value' in change) this.#values.set(`${group}.${change.key}`, change.value);
      }
    }
  }
}

interface ParsedRuleset {
  values: Map<string, unknown>;
  segments: unknown;
  epoch: string;
  revision: number;
}

function parse(ruleset: Record<string, unknown>): ParsedRuleset {
  const values = new Map<string, unknown>();
  for (const group of ['public', 'secret', 'flags', 'limits']) {
    for (const [key, value] of Object.entries(ruleset[group] ?? {})) values.set(`${group}.${key}`, value);
  }
  const { segments, epoch, revision } = ruleset;
  return { values, segments, epoch: String(epoch), revision: Number(revision) };
}

/** Servers of one database, with an environment that falls back to `development`, and the clients of their streams. */
class World {
  /** How often a client was compared. */
  checked = 0;
  readonly #shops: readonly Shop[];
  readonly #ids: Record<Place, string>;
  readonly #clients: StreamClient[] = [];
  readonly #running = new Set<Promise<unknown>>();
  #marker = 0;

  constructor(shops: readonly Shop[], ids: Record<Place, string>) {
    this.#shops = shops;
    this.#ids = ids;
  }

  static async create(shops: readonly Shop[], round: number): Promise<World> {
    const [first] = shops;
    if (first === undefined) throw new Error('The test has no server.');
    const base = await first.addEnvironment(`base${round}`);
    const world = new World(shops, { base, child: await first.addEnvironment(`child${round}`, base) });
    for (const write of FIRST_WRITES) await world.#write(write, first);
    return world;
  }

  async run(command: Command): Promise<void> {
    if (command.type === 'quiet') return this.quiet();
    const to = this.#shop(command.shop);
    if (command.type === 'write') {
      const running = this.#write(command.write, to);
      this.#running.add(running);
      // Its failure is found when all are awaited.
      running.catch(() => undefined);
      if (command.isAwaited) await running;
      return;
    }
    // A rename may be running.
    await Promise.all(this.#running);
    if (command.type === 'move') {
      const client = this.#clients[command.index % Math.max(1, this.#clients.length)];
      await client?.move(to, await this.#nameOf(client.at, to));
      return;
    }
    const client =
      command.type === 'ruleset'
        ? new RulesetClient(to, command.at)
        : new SnapshotClient(to, command.at, command.context);
    await client.open(await this.#nameOf(command.at, to));
    this.#clients.push(client);
  }

  async quiet(): Promise<void> {
    await Promise.all(this.#running);
    this.#marker += 1;
    const [first] = this.#shops;
    const values = Object.values(this.#ids).map((environmentId) => ({
      ...{ environmentId, schemaId: first?.schema.id, key: 'marker', value: this.#marker, tier: 'public' },
    }));
    expect((await first?.call('PUT', '/values/bulk', { values }))?.status).toBe(200);
    for (const client of this.#clients) {
      await client.readUntil(this.#marker);
      await client.check(await this.#nameOf(client.at, client.shop));
      this.checked += 1;
    }
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  #shop(index: number): Shop {
    const shop = this.#shops[index % this.#shops.length];
    if (shop === undefined) throw new Error('The test has no server.');
    return shop;
  }

  async #nameOf(place: Place, shop: Shop): Promise<string> {
    const { body } = await shop.call('GET', '/environments');
    const rows = body as unknown as { id: string; name: string }[];
    return rows.find(({ id }) => id === this.#ids[place])?.name ?? '';
  }

  async #write(write: AnyWrite, shop: Shop): Promise<void> {
    const { status, text } = await this.#send(write, shop);
    expect(status, text).toBeLessThan(500);
  }

  async #send(write: AnyWrite, shop: Shop): Promise<ApiResponse> {
    const schemaId = shop.schema.id;
    const child = `/environments/${this.#ids.child}`;
    switch (write.type) {
      case 'set':
        return shop.call('PUT', '/values', { ...write.input, schemaId, environmentId: this.#ids[write.at] });
      case 'delete':
        return shop.call(
          'DELETE',
          `/values/${write.key}?force=true&environment=${await this.#nameOf(write.at, shop)}`,
        );
      case 'segment':
        return shop.call('PUT', `/segments/${write.name}?environment=${await this.#nameOf(write.at, shop)}`, {
          condition: write.condition,
        });
      case 'fallback':
        return shop.call('PATCH', child, { fallbackEnvironmentId: write.isOn ? this.#ids.base : null });
      case 'push':
        return shop.call('POST', `/schemas/${schemaId}/push`, {
          jsonSchema: documentOf(write.version),
          force: true,
        });
      case 'rename':
        return shop.call('PATCH', child, { name: `${write.name}-${this.#ids.child}` });
    }
  }
}

/**
 * Writes at random to servers of one database, while clients open streams and move them from one server to another. Fails
 * if a client has something else than what it would read afresh, or its revision goes back. Returns how often a client was
 * compared.
 */
export async function fuzzStreams(shops: readonly Shop[], numRuns: number): Promise<number> {
  let checked = 0;
  let round = 0;
  const commands = fc.array(anyCommand, { minLength: 10, maxLength: 50, size: 'max' });
  await fc.assert(
    fc.asyncProperty(commands, async (all) => {
      round += 1;
      const world = await World.create(shops, round);
      for (const command of all) await world.run(command);
      await world.quiet();
      world.close();
      checked += world.checked;
    }),
    { numRuns, endOnFailure: true },
  );
  return checked;
}
