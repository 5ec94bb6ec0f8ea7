import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { FastifyInstance } from 'fastify';
import { refuse } from './connections.ts';
import { isHealthRequest } from './health-route.ts';

const SAMPLE_MS = 1_000;
/** How often the delay is measured. */
const RESOLUTION_MS = 10;
const RETRY_AFTER_SEC = 5;

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
export function registerLoadShedding(app: FastifyInstance, maxDelayMs: number): void {
  if (maxDelayMs === 0) return;
  const overload = new LastingOverload();
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  const timer = setInterval(() => {
    // The mean is not a number if there was no measurement at all, since the event loop was too busy.
    const isFastEnough = delays.mean / 1e6 - RESOLUTION_MS <= maxDelayMs;
    overload.add(!isFastEnough);
    delays.reset();
  }, SAMPLE_MS);
  timer.unref();
  app.addHook('onRequest', (request, reply, done) => {
    // A server that is busy still runs: restarting it would make it worse.
    if (!overload.isLasting || isHealthRequest(request)) {
      done();
      return;
    }
    void reply.header('retry-after', String(RETRY_AFTER_SEC));
    refuse(reply, 'The server is overloaded. Try again later.');
  });
  app.addHook('onClose', (_app, done) => {
    clearInterval(timer);
    delays.disable();
    done();
  });
}
