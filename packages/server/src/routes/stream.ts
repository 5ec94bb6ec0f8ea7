import type { RulesetPatch } from '@smooai/config';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { requireEnvironmentAccess } from '../domain/access.ts';
import type { ChangeReader } from '../domain/change-feeds.ts';
import type { EnvironmentView } from '../domain/environment-view.ts';
import { Refusal } from '../domain/refusal.ts';
import { EventStream, type StreamEvent, toStreamEvent } from '../http/event-stream.ts';
import type { ServerContext } from '../http/server-context.ts';
import type { ChangeRecord } from '../storage/storage.ts';
import { eventStream } from './api-schemas.ts';
import { CONFIG_PATH, lastEventId, principalOf, type RulesetQuery, rulesetQuery } from './config-request.ts';

/**
 * If the missed changes have more bytes than this, the whole ruleset is sent instead: it is shared by all streams, while
 * changes are read for each.
 */
const MAX_RESUMED_BYTES = 1024 * 1024;

const schema = {
  operationId: 'streamRuleset',
  summary: 'The ruleset and then each change to it, for servers',
  querystring: rulesetQuery,
  response: { 200: eventStream('Events of the types ruleset and change') },
};

/** `…/config/stream`: the ruleset and then each change to it, for servers only. */
export function registerStreamRoutes(app: FastifyInstance, context: ServerContext): void {
  app.get<{ Querystring: RulesetQuery }>(
    `${CONFIG_PATH}/stream`,
    { onRequest: context.guard({ scope: 'config:read' }), schema },
    async (request, reply) => {
      const stream = new EventStream(request, reply, context);
      const principal = principalOf(request);
      const seen = lastEventId(request);
      const { id } = (await context.service.viewSince(principal, request.query.environment, seen))
        .environment;
      // Subscribes before the first read. A change in between arrives both ways and is sent once.
      const reader = new RulesetStream(stream);
      stream.onEnd(context.service.changes.open(id, reader));
      stream.onEnd(context.service.environments.onLost(principal, id, () => stream.end()));
      const start = await readStart(request, context, id);
      stream.open();
      if (start.events.length === 0) stream.comment('nothing was missed');
      stream.begin(start.events);
      reader.deliver(start.revision);
    },
  );
}

/** Collects the changes of one environment until they are delivered. */
class RulesetStream implements ChangeReader {
  readonly #stream: EventStream;
  /** Undefined once they are delivered. */
  #waiting: ChangeRecord[] | undefined = [];
  #last = 0;

  constructor(stream: EventStream) {
    this.#stream = stream;
  }

  changed(record: ChangeRecord): void {
    if (this.#waiting === undefined) this.#send(record);
    else this.#waiting.push(record);
  }

  /** Sends every change after `revision`, collected or future. */
  deliver(revision: number): void {
    this.#last = revision;
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const record of waiting) this.#send(record);
  }

  #send(record: ChangeRecord): void {
    if (record.revision <= this.#last) return;
    this.#last = record.revision;
    this.#stream.send(changeEvent(record));
  }
}

/** The first events of a stream: the changes that the client missed, or the whole ruleset. */
async function readStart(
  request: FastifyRequest<{ Querystring: RulesetQuery }>,
  { service }: ServerContext,
  environmentId: string,
): Promise<{ events: StreamEvent[]; revision: number }> {
  const view = await service.viewById(environmentId);
  if (view === undefined) throw new Refusal('not-found', 'The environment was deleted.');
  // It may have been renamed since its name was looked up.
  requireEnvironmentAccess(principalOf(request), view.environment.name);
  const current = view.environment.revision;
  const last = lastEventId(request);
  // Changes since a revision of another epoch are unknown.
  const isSameEpoch = (request.query.epoch ?? view.epoch) === view.epoch;
  if (isSameEpoch && last !== undefined && last <= current) {
    const missed = await service.missedChanges(environmentId, last, { maxBytes: MAX_RESUMED_BYTES });
    if (missed !== undefined) {
      return { events: missed.map(changeEvent), revision: missed.at(-1)?.revision ?? last };
    }
  }
  return { events: [rulesetEvent(view)], revision: current };
}

function rulesetEvent(view: EnvironmentView): StreamEvent {
  return toStreamEvent({ id: view.revision, event: 'ruleset', data: view.rulesetJson });
}

const events = new WeakMap<ChangeRecord, StreamEvent>();

/** Creates each event once for all streams that send it. */
function changeEvent(record: ChangeRecord): StreamEvent {
  const known = events.get(record);
  if (known !== undefined) return known;
  const patch: RulesetPatch = {
    revision: String(record.revision),
    // Each commit of an environment has the next number.
    previousRevision: String(record.revision - 1),
    changes: record.changes,
  };
  const event = toStreamEvent({ id: patch.revision, event: 'change', data: JSON.stringify(patch) });
  events.set(record, event);
  return event;
}
