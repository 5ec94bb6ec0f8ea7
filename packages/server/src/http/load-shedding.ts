import underPressure from '@fastify/under-pressure';
import type { FastifyInstance } from 'fastify';

const SAMPLE_MS = 1_000;
const RETRY_AFTER_SEC = 5;
/** A server that is busy still runs: restarting it would make it worse. */
const EXEMPT: readonly (string | undefined)[] = ['/healthz', '/readyz'];

/** A single pause of the machine, however long, is in one sample or two. */
const MIN_SAMPLES = 3;

/** Tells overload from a pause of the machine, after which the server catches up. */
export class LastingOverload {
  #samples = 0;

  add(isOverloaded: boolean): void {
    this.#samples = isOverloaded ? this.#samples + 1 : 0;
  }

  /** Whether each of the last samples was overloaded. */
  get isLasting(): boolean {
    return this.#samples >= MIN_SAMPLES;
  }
}

/**
 * Refuses requests with 503 while the event loop is behind: by more than `maxDelayMs` on average in each of the last
 * three seconds. Open streams go on.
 * @param maxDelayMs 0 to refuse none
 */
export async function registerLoadShedding(app: FastifyInstance, maxDelayMs: number): Promise<void> {
  if (maxDelayMs === 0) return;
  const overload = new LastingOverload();
  await app.register(underPressure, {
    maxEventLoopDelay: maxDelayMs,
    sampleInterval: SAMPLE_MS,
    pressureHandler: ({ routeOptions }, reply) => {
      if (!overload.isLasting || EXEMPT.includes(routeOptions.url)) return undefined;
      void reply.code(503).header('retry-after', String(RETRY_AFTER_SEC));
      // It is sent as the body, which the types do not know.
      return { message: 'The server is overloaded. Try again later.' } as never;
    },
  });
  const timer = setInterval(() => overload.add(app.isUnderPressure()), SAMPLE_MS);
  timer.unref();
  app.addHook('onClose', (_app, done) => {
    clearInterval(timer);
    done();
  });
}
