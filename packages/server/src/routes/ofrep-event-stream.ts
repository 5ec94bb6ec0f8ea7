import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { EnvironmentView } from '../domain/environment-view.ts';
import { EventStream, type StreamEvent, toStreamEvent } from '../http/event-stream.ts';
import type { ServerContext } from '../http/server-context.ts';
import { eventStream } from './api-schemas.ts';
import { principalOf } from './config-request.ts';
import { viewOf } from './ofrep-request.ts';

const PATH = '/ofrep/v1/stream';
/** How long a page may be hidden before its provider closes the stream. */
const INACTIVITY_DELAY_SEC = 120;

/** An entry of `eventStreams` in the response for all flags (OFREP 0.3, ADR-0008). */
export interface OfrepEventStream {
  type: 'sse';
  /** Without an `origin`: it is the one by which the page reached this server, also behind a proxy. */
  endpoint: { requestUri: string };
  inactivityDelaySec: number;
}

const schema = {
  operationId: 'ofrepStream',
  summary: 'Says when to read the flags again (OFREP)',
  querystring: {
    type: 'object',
    properties: { environment: { type: 'string', minLength: 1 }, key: { type: 'string' } },
  },
  response: { 200: eventStream('Events that say refetchEvaluation') },
};

/**
 * The event stream for a page with a publishable key, which may be in a URL because every visitor can read it. Callers
 * with an access token get none: an `EventSource` sends no headers, and a token must not be in a URL. They poll.
 */
export function eventStreamsFor(
  request: FastifyRequest,
  { environment }: EnvironmentView,
  { publicUrl }: Pick<ServerContext, 'publicUrl'>,
): { eventStreams?: OfrepEventStream[] } {
  if (principalOf(request).type !== 'b2m') return {};
  const { authorization } = request.headers;
  const key = authorization?.replace(/^Bearer +/i, '') ?? (request.query as { key?: string }).key ?? '';
  const { pathname } = new URL(publicUrl());
  const search = new URLSearchParams({ environment: environment.name, key });
  const requestUri = `${pathname.replace(/\/$/, '')}${PATH}?${search.toString()}`;
  return {
    eventStreams: [{ type: 'sse', endpoint: { requestUri }, inactivityDelaySec: INACTIVITY_DELAY_SEC }],
  };
}

/** `GET /ofrep/v1/stream`: tells pages when to read their flags again. */
export function registerOfrepStream(scope: FastifyInstance, context: ServerContext): void {
  const { service, guard, streamLimits } = context;
  scope.get<{ Querystring: { environment?: string } }>(
    PATH,
    { onRequest: guard({ scope: 'config:read', browser: true }), schema },
    async (request, reply) => {
      const principal = principalOf(request);
      const freePlace = streamLimits.take(principal, request.ip);
      const stream = new EventStream(request, reply, context);
      stream.onEnd(freePlace);
      const { id } = (await viewOf(service, request, request.query.environment)).environment;
      stream.onEnd(service.environments.onLost(principal, id, () => stream.end()));
      const last = request.headers['last-event-id'];
      stream.open();
      stream.onEnd(
        service.snapshots.watch(id, {
          principal,
          changed: (view, isFirst) => {
            // Between its flags and this stream, or while it was disconnected, a page may have missed a change.
            if (isFirst && last === validatorOf(view)) stream.comment('nothing was missed');
            else stream.send(refetchEvent(view, isFirst));
          },
          end: () => stream.end(),
        }),
      );
    },
  );
}

/** Identifies the values of an environment at a revision, for every context. */
function validatorOf({ epoch, revision }: EnvironmentView): string {
  return `${epoch}.${revision}`;
}

const events = new WeakMap<EnvironmentView, StreamEvent>();

/** Creates the event of a change once for all streams. When older values have changed is not known. */
function refetchEvent(view: EnvironmentView, isFirst: boolean): StreamEvent {
  const known = events.get(view);
  if (known !== undefined) return known;
  const id = validatorOf(view);
  const data = {
    type: 'refetchEvaluation',
    etag: `"${id}"`,
    ...(!isFirst && { lastModified: Math.floor(Date.now() / 1000) }),
  };
  const event = toStreamEvent({ id, event: 'message', data: JSON.stringify(data) });
  events.set(view, event);
  return event;
}
