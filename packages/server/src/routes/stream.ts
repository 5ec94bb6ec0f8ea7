import type { RulesetPatch } from '@smooai/config';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { requireEnvironmentAccess } from '../domain/access.ts';
import type { EnvironmentView } from '../domain/environment-view.ts';
import { Refusal } from '../domain/refusal.ts';
import { EventStream, type StreamEvent } from '../http/event-stream.ts';
import type { ServerContext } from '../http/server-context.ts';
import type { ChangeRecord } from '../storage/storage.ts';
import { CONFIG_PATH, principalOf, type RulesetQuery, rulesetQuery } from './config-request.ts';

/** Missed changes of more characters than this, and than the whole ruleset, are not told one by one. */
const MAX_RESUMED_LENGTH = 1024 * 1024;

/** `…/config/stream`: the ruleset and then each change of it, for servers only. */
export function registerStreamRoutes(app: FastifyInstance, context: ServerContext): void {
  app.get<{ Querystring: RulesetQuery }>(
    `${CONFIG_PATH}/stream`,
    { onRequest: context.guard({ scope: 'config:read' }), schema: { querystring: rulesetQuery } },
    async (request, reply) => {
      const stream = new EventStream(request, reply, context);
      const principal = principalOf(request);
      const { id } = (await context.service.view(principal, request.query.environment)).environment;
      // Subscribed before the first read: what is committed between the two arrives by both ways, and is sent once.
      const feed = new ChangeFeed(context, id);
      stream.onEnd(() => feed.close());
      stream.onEnd(context.service.environments.onLost(principal, id, () => stream.end()));
      const start = await readStart(request, context, id);
      stream.open();
      if (start.events.length === 0) stream.comment('nothing was missed');
      stream.begin(start.events);
      feed.deliver(start.revision, (record) => stream.send(changeEvent(record)));
    },
  );
}

/** Changes of one environment, kept until someone takes them. */
class ChangeFeed {
  readonly #waiting: ChangeRecord[] = [];
  readonly close: () => void;
  #take: ((record: ChangeRecord) => void) | undefined;

  constructor({ changes }: ServerContext, environmentId: string) {
    this.close = changes.subscribe(environmentId, (record) => {
      if (this.#take === undefined) this.#waiting.push(record);
      else this.#take(record);
    });
  }

  /** Hands every change after `revision` to `take`, those that wait and those to come. */
  deliver(revision: number, take: (record: ChangeRecord) => void): void {
    let last = revision;
    this.#take = (record) => {
      if (record.revision <= last) return;
      last = record.revision;
      take(record);
    };
    for (const record of this.#waiting.splice(0)) this.#take(record);
  }
}

/** What a client gets first: the changes that it missed, or the whole ruleset. */
async function readStart(
  request: FastifyRequest<{ Querystring: RulesetQuery }>,
  { service, storage }: ServerContext,
  environmentId: string,
): Promise<{ events: StreamEvent[]; revision: number }> {
  const view = await service.viewById(environmentId);
  if (view === undefined) throw new Refusal('not-found', 'The environment was deleted.');
  // It may have been renamed since its name was looked up.
  requireEnvironmentAccess(principalOf(request), view.environment.name);
  const current = view.environment.revision;
  const last = lastEventId(request);
  // What was missed since a revision of another epoch is not known.
  const isSameEpoch = (request.query.epoch ?? view.epoch) === view.epoch;
  if (isSameEpoch && last !== undefined && last <= current) {
    const missed = await storage.listChangesSince(environmentId, last);
    if (missed !== undefined) {
      const events = missed.map(changeEvent);
      // Many changes of one large value can be far more than what there is in the end.
      const size = events.reduce((sum, { data }) => sum + data.length, 0);
      if (size <= Math.max(view.rulesetJson.length, MAX_RESUMED_LENGTH)) {
        return { events, revision: missed.at(-1)?.revision ?? last };
      }
    }
  }
  return { events: [rulesetEvent(view)], revision: current };
}

/** Undefined where there is none, or one that is no revision of ours. */
function lastEventId(request: Pick<FastifyRequest, 'headers'>): number | undefined {
  const header = request.headers['last-event-id'];
  return typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}

function rulesetEvent(view: EnvironmentView): StreamEvent {
  return { id: view.revision, event: 'ruleset', data: view.rulesetJson };
}

const events = new WeakMap<ChangeRecord, StreamEvent>();

/** Made once for all streams that send it. */
function changeEvent(record: ChangeRecord): StreamEvent {
  const known = events.get(record);
  if (known !== undefined) return known;
  const patch: RulesetPatch = {
    revision: String(record.revision),
    // Each commit of an environment has the next number.
    previousRevision: String(record.revision - 1),
    changes: record.changes,
  };
  const event: StreamEvent = { id: patch.revision, event: 'change', data: JSON.stringify(patch) };
  events.set(record, event);
  return event;
}
