import type { FastifyReply, FastifyRequest } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ConfigService } from '../domain/config-service.ts';
import type { Counters } from '../http/counters.ts';
import type { Webhooks } from '../webhooks/webhooks.ts';

/** What is read when the metrics are. */
interface MetricSources {
  readonly service: Pick<ConfigService, 'viewsInMemory' | 'replica'>;
  readonly webhooks: Pick<Webhooks, 'waiting'>;
}

const PREFIX = 'smooai_config_';
const DURATION_BUCKETS_SEC = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

let ofProcess: Registry | undefined;

/** The same for every server in the process, since their observers cannot be stopped. */
function processRegistry(): Registry {
  if (ofProcess === undefined) {
    ofProcess = new Registry();
    collectDefaultMetrics({ register: ofProcess });
  }
  return ofProcess;
}

/**
 * The metrics of one server, in a registry of its own. Labels are templates of routes, methods, statuses, names of
 * environments and origins of values: never a URL, a key, a client, a context or a value.
 */
export class ServerMetrics implements Counters {
  readonly #registry = new Registry();
  readonly #process = processRegistry();
  readonly #streams = new WeakSet<FastifyRequest>();
  readonly #durations: Histogram<'method' | 'route' | 'status'>;
  readonly #openStreams: Gauge<'route'>;
  readonly #openedStreams: Counter<'route'>;
  readonly #evaluations: Counter<'outcome'>;

  constructor() {
    const registers = [this.#registry];
    this.#durations = new Histogram({
      name: `${PREFIX}http_request_duration_seconds`,
      help: 'Requests by their duration, without event streams and health checks.',
      labelNames: ['method', 'route', 'status'],
      buckets: DURATION_BUCKETS_SEC,
      registers,
    });
    this.#openStreams = new Gauge({
      name: `${PREFIX}streams_open`,
      help: 'Open event streams.',
      labelNames: ['route'],
      registers,
    });
    this.#openedStreams = new Counter({
      name: `${PREFIX}streams_opened_total`,
      help: 'Event streams that were opened.',
      labelNames: ['route'],
      registers,
    });
    this.#evaluations = new Counter({
      name: `${PREFIX}evaluations_total`,
      help: 'Evaluations for a request, by the origin of the value; without those for open streams.',
      labelNames: ['outcome'],
      registers,
    });
  }

  /** The media type of {@link text}. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All metrics in the text format of Prometheus. */
  async text(): Promise<string> {
    return `${await this.#registry.metrics()}\n${await this.#process.metrics()}`;
  }

  responded(request: FastifyRequest, reply: FastifyReply): void {
    // How long a stream was open says nothing about the server.
    if (this.#streams.has(request)) return;
    const labels = { method: methodOf(request), route: routeOf(request), status: reply.statusCode };
    this.#durations.observe(labels, reply.elapsedTime / 1_000);
  }

  streamOpened(request: FastifyRequest): () => void {
    this.#streams.add(request);
    const labels = { route: routeOf(request) };
    this.#openedStreams.inc(labels);
    this.#openStreams.inc(labels);
    return () => this.#openStreams.dec(labels);
  }

  evaluated(outcomes: Parameters<Counters['evaluated']>[0]): void {
    for (const outcome of outcomes) this.#evaluations.inc({ outcome });
  }

  /** Adds what is only read when the metrics are. Call it once. */
  watch({ service, webhooks }: MetricSources): void {
    const registers = [this.#registry];
    const revisions = new Gauge({
      name: `${PREFIX}environment_revision`,
      help: 'The revision of each environment in memory: the difference between servers is their lag.',
      labelNames: ['organization', 'environment'],
      registers,
      collect: () => {
        revisions.reset();
        for (const { environment } of service.viewsInMemory) {
          const { organizationId: organization, name, revision } = environment;
          revisions.set({ organization, environment: name }, revision);
        }
      },
    });
    const waiting: Gauge = new Gauge({
      name: `${PREFIX}webhooks_waiting`,
      help: 'Webhooks that wait to be sent, or to be sent again.',
      registers,
      collect: () => waiting.set(webhooks.waiting),
    });
    if (service.replica === undefined) return;
    const connected: Gauge = new Gauge({
      name: `${PREFIX}database_connected`,
      help: 'Whether the server is connected to the shared database.',
      registers,
      collect: () => connected.set(service.replica?.isConnected === true ? 1 : 0),
    });
    const lag: Gauge = new Gauge({
      name: `${PREFIX}database_lag_seconds`,
      help: 'How long ago the server last knew all changes of the shared database, of every environment.',
      registers,
      collect: () => lag.set((service.replica?.lagMs ?? 0) / 1_000),
    });
  }
}

function methodOf({ method }: FastifyRequest): string {
  return METHODS.has(method) ? method : 'other';
}

/** The template of a route, such as `/organizations/:org/config/values`; never the path itself. */
function routeOf({ routeOptions }: FastifyRequest): string {
  return routeOptions?.url ?? 'unknown';
}
