import type { EvaluationContext, Snapshot } from '@smooai/config';
import type { FastifyInstance } from 'fastify';
import { Refusal } from '../domain/refusal.ts';
import { createSnapshot } from '../domain/snapshot.ts';
import type { FeedReader } from '../domain/snapshot-feeds.ts';
import { checkJsonLimits, MAX_CONTEXT_BYTES } from '../domain/validation/json-limits.ts';
import { EventStream } from '../http/event-stream.ts';
import type { ServerContext } from '../http/server-context.ts';
import { isRecord } from '../lib/record.ts';
import type { Principal } from '../principal.ts';
import { describeError, type ErrorLog } from '../server-logger.ts';
import { eventStream, json, ref } from './api-schemas.ts';
import {
  CONFIG_PATH,
  type EnvironmentQuery,
  environmentQuery,
  evaluationBody,
  lastEventId,
  principalOf,
} from './config-request.ts';

const snapshotBody = {
  ...evaluationBody,
  properties: {
    ...evaluationBody.properties,
    keys: { type: 'array', maxItems: 2_000, items: { type: 'string', maxLength: 255 } },
  },
};
const snapshotSchema = {
  operationId: 'createSnapshot',
  summary: 'Public values, and flags and limits for one context',
  body: snapshotBody,
  response: { 200: json('The snapshot', ref('Snapshot')) },
};
const streamSchema = {
  operationId: 'streamSnapshot',
  summary: 'The snapshot of one context and then each change to it',
  querystring: {
    ...environmentQuery,
    properties: { ...environmentQuery.properties, context: { type: 'string' } },
  },
  response: {
    200: eventStream('Events of the types snapshot and patch'),
    413: json('The context is too large', ref('Error')),
  },
};

interface SnapshotBody {
  environment: string;
  context?: EvaluationContext;
  keys?: string[];
}

/** `…/config/snapshot` and its stream: what a browser sees for one context. */
export function registerSnapshotRoutes(app: FastifyInstance, context: ServerContext): void {
  const onRequest = context.guard({ scope: 'config:read', browser: true });
  app.post<{ Body: SnapshotBody }>(
    `${CONFIG_PATH}/snapshot`,
    { onRequest, schema: snapshotSchema },
    async (request): Promise<Snapshot> => {
      const { environment, context: attributes = {}, keys } = request.body;
      checkJsonLimits(attributes, 'context', MAX_CONTEXT_BYTES);
      const view = await context.service.view(principalOf(request), environment);
      const snapshot = createSnapshot(view, attributes, keys === undefined ? undefined : new Set(keys));
      const evaluations = [...Object.values(snapshot.flags), ...Object.values(snapshot.limits)];
      context.counters.evaluated(evaluations.map(({ source }) => source));
      return snapshot;
    },
  );
  app.get<{ Querystring: EnvironmentQuery & { context?: string } }>(
    `${CONFIG_PATH}/snapshot/stream`,
    { onRequest, schema: streamSchema },
    async (request, reply) => {
      const attributes = decodeContext(request.query.context);
      const principal = principalOf(request);
      const freePlace = context.streamLimits.take(principal, request.ip);
      const stream = new EventStream(request, reply, context);
      stream.onEnd(freePlace);
      const seen = lastEventId(request);
      const { id } = (await context.service.viewSince(principal, request.query.environment, seen))
        .environment;
      stream.onEnd(context.service.environments.onLost(principal, id, () => stream.end()));
      stream.open();
      const reader = new SnapshotStream(stream, { principal, context: attributes, log: context.log });
      const feed = context.service.snapshots.open(id, reader);
      stream.onEnd(feed.close);
      stream.onRoom(feed.catchUp);
    },
  );
}

/** What an open stream keeps, as methods rather than functions of its own: there may be thousands. */
class SnapshotStream implements FeedReader {
  readonly principal: Principal;
  readonly context: EvaluationContext;
  readonly #stream: EventStream;
  readonly #log: ErrorLog;

  constructor(
    stream: EventStream,
    parts: { principal: Principal; context: EvaluationContext; log: ErrorLog },
  ) {
    this.#stream = stream;
    this.principal = parts.principal;
    this.context = parts.context;
    this.#log = parts.log;
  }

  hasRoom(): boolean {
    return this.#stream.hasRoom;
  }

  send(event: Uint8Array, name: 'snapshot' | 'patch'): void {
    if (name === 'snapshot') this.#stream.begin([[event]]);
    else this.#stream.send([event]);
  }

  end(): void {
    this.#stream.end();
  }

  failed(error: unknown): void {
    this.#log.error({ failure: describeError(error) }, 'a snapshot stream failed');
    this.#stream.end();
  }
}

/** The context of a query: JSON in base64url (RFC 4648 §5), with or without padding. */
function decodeContext(text: string | undefined): EvaluationContext {
  if (text === undefined || text === '') return {};
  const refuse = (reason: string): Refusal =>
    new Refusal('invalid', `Query parameter "context" ${reason}. Send a JSON object encoded as base64url.`);
  if (text.length > (MAX_CONTEXT_BYTES * 4) / 3 + 4) {
    throw new Refusal('too-large', `Query parameter "context" must have at most ${MAX_CONTEXT_BYTES} bytes.`);
  }
  if (!/^[\w-]*={0,2}$/.test(text)) throw refuse('is not valid base64url');
  let context: unknown;
  try {
    context = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(text, 'base64url')));
  } catch {
    throw refuse('is not valid JSON');
  }
  if (!isRecord(context)) throw refuse('is not an object');
  checkJsonLimits(context, 'context', MAX_CONTEXT_BYTES);
  return context;
}
