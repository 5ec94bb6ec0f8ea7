import { diffSnapshots, type EvaluationContext, type Snapshot } from '@smooai/config';
import type { FastifyInstance } from 'fastify';
import { mayUseEnvironment } from '../domain/access.ts';
import { Refusal } from '../domain/refusal.ts';
import { createSnapshot } from '../domain/snapshot.ts';
import { checkJsonLimits, MAX_CONTEXT_BYTES } from '../domain/validation/json-limits.ts';
import { EventStream } from '../http/event-stream.ts';
import type { ServerContext } from '../http/server-context.ts';
import { isRecord } from '../lib/record.ts';
import type { Principal } from '../principal.ts';
import { describeError } from '../server-logger.ts';
import {
  CONFIG_PATH,
  type EnvironmentQuery,
  environmentQuery,
  evaluationBody,
  principalOf,
} from './config-request.ts';

const snapshotBody = {
  ...evaluationBody,
  properties: {
    ...evaluationBody.properties,
    keys: { type: 'array', maxItems: 2_000, items: { type: 'string', maxLength: 200 } },
  },
};
const streamQuery = {
  ...environmentQuery,
  properties: { ...environmentQuery.properties, context: { type: 'string' } },
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
    { onRequest, schema: { body: snapshotBody } },
    async (request): Promise<Snapshot> => {
      const { environment, context: attributes = {}, keys } = request.body;
      checkJsonLimits(attributes, 'context', MAX_CONTEXT_BYTES);
      const view = await context.service.view(principalOf(request), environment);
      return createSnapshot(view, attributes, keys === undefined ? undefined : new Set(keys));
    },
  );
  app.get<{ Querystring: EnvironmentQuery & { context?: string } }>(
    `${CONFIG_PATH}/snapshot/stream`,
    { onRequest, schema: { querystring: streamQuery } },
    async (request, reply) => {
      const attributes = decodeContext(request.query.context);
      const stream = new EventStream(request, reply, context);
      const principal = principalOf(request);
      const { id } = (await context.service.view(principal, request.query.environment)).environment;
      const feed = new SnapshotFeed(stream, context, { principal, environmentId: id, attributes });
      stream.onEnd(context.changes.subscribe(id, () => feed.changed()));
      stream.onEnd(context.service.environments.onLost(principal, id, () => stream.end()));
      stream.open();
      feed.changed();
    },
  );
}

/** For whom, of which environment and for which context snapshots are sent. */
interface SnapshotTarget {
  principal: Principal;
  environmentId: string;
  attributes: EvaluationContext;
}

/** Sends a snapshot and then patches to it. Changes that arrive during a read are sent as one patch. */
class SnapshotFeed {
  readonly #stream: EventStream;
  readonly #context: ServerContext;
  readonly #target: SnapshotTarget;
  #sent: Snapshot | undefined;
  #isRunning = false;
  #isBehind = false;

  constructor(stream: EventStream, context: ServerContext, target: SnapshotTarget) {
    this.#stream = stream;
    this.#context = context;
    this.#target = target;
  }

  /** Call it after each change of the environment. */
  changed(): void {
    this.#isBehind = true;
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#catchUp().catch((error: unknown) => {
      this.#context.log.error({ failure: describeError(error) }, 'a snapshot stream failed');
      this.#stream.end();
    });
  }

  async #catchUp(): Promise<void> {
    try {
      while (this.#isBehind && this.#stream.isOpen) {
        this.#isBehind = false;
        const view = await this.#context.service.viewById(this.#target.environmentId);
        // It may have been renamed to one that the caller may not use.
        if (view === undefined || !mayUseEnvironment(this.#target.principal, view.environment.name)) {
          this.#stream.end();
          return;
        }
        this.#send(createSnapshot(view, this.#target.attributes));
      }
    } finally {
      // Nothing may be awaited between the last check of #isBehind and this, or a change could be missed.
      this.#isRunning = false;
    }
  }

  #send(snapshot: Snapshot): void {
    const previous = this.#sent;
    this.#sent = snapshot;
    if (previous === undefined) {
      this.#stream.begin([{ id: snapshot.revision, event: 'snapshot', data: JSON.stringify(snapshot) }]);
      return;
    }
    const patch = diffSnapshots(previous, snapshot);
    if (patch === undefined) return;
    this.#stream.send({ id: patch.revision, event: 'patch', data: JSON.stringify(patch) });
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
