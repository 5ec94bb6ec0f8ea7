import fc from 'fast-check';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isConfigError } from '../index.ts';
import { TokenProvider } from '../server.ts';
import { runs } from '../test-support/runs.ts';

// Random sequences of calls, responses, expiries and invalidations, checked against a model of what callers may see.

const nextTurn = globalThis.setImmediate;
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
process.on('unhandledRejection', onUnhandled);
afterAll(() => {
  process.off('unhandledRejection', onUnhandled);
});
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const TIMEOUT_MS = 5_000;
const RESPONSES = ['token', 'token', 'token', 'network', 503, 429, 401, 'html'] as const;

type Command =
  | { type: 'call'; isAbortable: boolean }
  | { type: 'abort'; which: number }
  | { type: 'respond'; which: number; response: (typeof RESPONSES)[number]; lifeSec: number }
  | { type: 'advance'; ms: number }
  | { type: 'invalidate'; which: number | undefined }
  | { type: 'set-clock'; byMs: number };

const nat = (max: number): fc.Arbitrary<number> => fc.nat({ max });
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constant('call' as const), isAbortable: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('abort' as const), which: nat(2) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('respond' as const),
      which: nat(3),
      response: fc.constantFrom(...RESPONSES),
      lifeSec: fc.constantFrom(0.01, 0.4, 1, 2, 10, 60, 3600),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('advance' as const),
      ms: fc.oneof(nat(50), nat(3_000), nat(70_000)),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('invalidate' as const),
      which: fc.option(nat(3), { nil: undefined }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('set-clock' as const),
      byMs: fc.integer({ min: -100_000, max: 100_000 }),
    }),
  },
);

const tally: Record<string, number> = {};

interface Request {
  startedAt: number;
  startedWall: number;
  /** How many invalidations came before it. */
  epoch: number;
  settle: ((result: Response | Error) => void) | undefined;
}

interface Grant {
  request: Request;
  lifeMs: number;
  isDropped: boolean;
}

interface Call {
  epoch: number;
  controller: AbortController | undefined;
  outcome: 'waiting' | 'token' | 'error' | 'aborted';
}

class World {
  readonly requests: Request[] = [];
  readonly grants = new Map<string, Grant>();
  readonly calls: Call[] = [];
  readonly provider: TokenProvider;
  readonly #faults: unknown[] = [];
  epoch = 0;
  /** Tokens that callers have got. */
  seen: string[] = [];

  constructor(waitWhenThrottled: boolean) {
    this.provider = new TokenProvider({
      authUrl: 'https://auth.example.com',
      clientId: 'c',
      clientSecret: 's3cret',
      timeoutMs: TIMEOUT_MS,
      waitWhenThrottled,
      onEvent: ({ type }) => {
        if (type === 'invalidated') this.epoch += 1;
      },
      fetch: (_, init) => this.#fetch(init?.signal ?? undefined),
    });
  }

  get open(): Request[] {
    return this.requests.filter(({ settle }) => settle !== undefined);
  }

  async run(next: Command): Promise<void> {
    if (next.type === 'call') this.#call(next.isAbortable);
    if (next.type === 'abort') this.#abort(next.which);
    if (next.type === 'respond') this.#respond(next.which, next.response, next.lifeSec);
    if (next.type === 'advance') await vi.advanceTimersByTimeAsync(next.ms);
    if (next.type === 'set-clock') vi.setSystemTime(Date.now() + next.byMs);
    if (next.type === 'invalidate') this.#invalidate(next.which);
    await flush();
    expect([...this.#faults, ...unhandled]).toEqual([]);
    const current = this.open.filter(({ epoch }) => epoch === this.epoch);
    expect(current.length, 'requests at a time').toBeLessThanOrEqual(1);
  }

  /** The issuer works again and time passes: every caller must get a token or an error. */
  async end(): Promise<void> {
    for (let round = 0; round < 40; round++) {
      while (this.open.length > 0) this.#respond(0, 'token', 3600);
      await flush();
      await vi.advanceTimersByTimeAsync(5_000);
      await flush();
    }
    expect(this.calls.filter(({ outcome }) => outcome === 'waiting')).toEqual([]);
    expect([...this.#faults, ...unhandled]).toEqual([]);
    for (const { outcome } of this.calls) tally[outcome] = (tally[outcome] ?? 0) + 1;
  }

  #fetch(signal: AbortSignal | undefined): Promise<Response> {
    return new Promise((resolve, reject) => {
      const request: Request = {
        startedAt: performance.now(),
        startedWall: Date.now(),
        epoch: this.epoch,
        settle: (result) => {
          request.settle = undefined;
          if (result instanceof Error) reject(result);
          else resolve(result);
        },
      };
      signal?.addEventListener('abort', () => {
        request.settle = undefined;
        reject(new Error('aborted'));
      });
      this.requests.push(request);
    });
  }

  #call(isAbortable: boolean): void {
    const controller = isAbortable ? new AbortController() : undefined;
    const call: Call = { epoch: this.epoch, controller, outcome: 'waiting' };
    this.calls.push(call);
    const wait = this.provider.getAccessToken(controller && { signal: controller.signal });
    wait
      .then(
        (token) => this.#check(call, token),
        (error: unknown) => this.#checkError(call, error),
      )
      .catch((fault: unknown) => this.#faults.push(fault));
  }

  /** Aborts one of the calls that wait. */
  #abort(which: number): void {
    const abortable = this.calls.filter(({ controller, outcome }) => controller && outcome === 'waiting');
    abortable[which]?.controller?.abort();
  }

  #check(call: Call, token: string): void {
    expect(call.outcome).toBe('waiting');
    call.outcome = 'token';
    const grant = this.grants.get(token);
    if (grant === undefined) throw new Error('The issuer did not grant this token.');
    expect(ageOf(grant), 'age of a token').toBeLessThan(grant.lifeMs);
    // A call after an invalidation must not get a token from before it.
    expect(grant.request.epoch, 'a token from before an invalidation').toBeGreaterThanOrEqual(call.epoch);
    if (!this.seen.includes(token)) this.seen.push(token);
  }

  #checkError(call: Call, error: unknown): void {
    expect(call.outcome).toBe('waiting');
    expect(isConfigError(error)).toBe(true);
    const isAborted = isConfigError(error) && 'reason' in error && error.reason === 'aborted';
    if (isAborted) expect(call.controller?.signal.aborted).toBe(true);
    call.outcome = isAborted ? 'aborted' : 'error';
  }

  #respond(which: number, response: (typeof RESPONSES)[number], lifeSec: number): void {
    const request = this.open[which];
    if (request === undefined) return;
    if (response === 'network') request.settle?.(new TypeError('fetch failed'));
    else if (response === 'html') request.settle?.(new Response('<html>'));
    else if (response === 'token') {
      const token = `token-${this.grants.size}`;
      this.grants.set(token, { request, lifeMs: lifeSec * 1000, isDropped: false });
      request.settle?.(Response.json({ access_token: token, expires_in: lifeSec }));
    } else {
      const headers: Record<string, string> = response === 429 ? { 'retry-after': '3' } : {};
      request.settle?.(Response.json({ error: 'x' }, { status: response, headers }));
    }
  }

  #invalidate(which: number | undefined): void {
    const token = which === undefined ? undefined : this.seen.at(-1 - which);
    if (which === undefined || token !== undefined) this.provider.invalidate(token);
  }
}

function ageOf({ request }: Grant): number {
  return Math.max(performance.now() - request.startedAt, Date.now() - request.startedWall);
}

/** Real turns of the event loop: reading a body takes some. */
async function flush(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => nextTurn(() => resolve()));
}

describe('any sequence of calls, responses, expiries, failures, invalidations and aborts', () => {
  it.each([false, true])(
    'leads to one request at a time, no expired token and no caller without a result (waitWhenThrottled: %s)',
    async (waitWhenThrottled) => {
      const numRuns = runs(40, 150);
      await fc.assert(
        fc.asyncProperty(fc.array(command, { maxLength: 80, size: 'max' }), async (commands) => {
          const world = new World(waitWhenThrottled);
          for (const next of commands) await world.run(next);
          await world.end();
          vi.clearAllTimers();
        }),
        { numRuns },
      );
      // Otherwise the sequences would prove little.
      expect(tally.token).toBeGreaterThan(numRuns * 1.3);
      expect(tally.error).toBeGreaterThan(numRuns * 0.3);
      expect(tally.aborted).toBeGreaterThan(numRuns * 0.1);
    },
  );
});
