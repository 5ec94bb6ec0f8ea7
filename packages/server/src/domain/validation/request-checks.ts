import type {
  CheckJob,
  Pattern,
  PatternVerdict,
  SchemaRefusal,
  SchemaToCheck,
  SchemaVerdict,
  StoppedAt,
} from './check-job.ts';
import type { CheckPool } from './check-pool.ts';
import type { Caller } from './fair-queue.ts';

/** Computing time for all checks of a request, in milliseconds. */
const BASE_MS = 2_000;
/** More of it for each schema to compile: an honest one takes less than one millisecond. */
const PER_SCHEMA_MS = 2;
/** More of it for each pattern. One pattern alone gets at most {@link BASE_MS}. */
const PER_PATTERN_MS = 500;

/** Where and why the checks of a request were stopped. */
export interface Stop {
  at: StoppedAt;
  /** To put after the name of what is checked: `cannot be checked within …`. */
  reason: string;
}

/** The result of a job; or that its request has used its budget. */
export type Checked<Result> = { isComplete: true; result: Result } | { isComplete: false; stop: Stop };

/** The checks of one request, which share one budget. */
export class RequestChecks {
  readonly #pool: CheckPool;
  readonly #caller: Caller;
  #limitMs = BASE_MS;
  #usedMs = 0;

  constructor(pool: CheckPool, caller: Caller) {
    this.#pool = pool;
    this.#caller = caller;
  }

  /** Checks and compiles pushed schemas. Returns the first that is refused. */
  compile(schemas: readonly SchemaToCheck[]): Promise<Checked<SchemaRefusal | undefined>> {
    this.#limitMs += PER_SCHEMA_MS * schemas.length;
    return this.#run({ kind: 'schema', isNew: true, schemas });
  }

  /** Checks values against schemas. */
  checkValues(schemas: readonly SchemaToCheck[]): Promise<Checked<SchemaVerdict[]>> {
    this.#limitMs += PER_SCHEMA_MS * schemas.length;
    return this.#run({ kind: 'schema', isNew: false, schemas });
  }

  /** Analyses a pattern. Returns undefined if the budget was not enough. */
  async analyse({ source, flags }: Pattern): Promise<PatternVerdict | undefined> {
    this.#limitMs += PER_PATTERN_MS;
    const checked = await this.#run<PatternVerdict>({ kind: 'pattern', source, flags });
    return checked.isComplete ? checked.result : undefined;
  }

  async #run<Result>(job: CheckJob): Promise<Checked<Result>> {
    const leftMs = this.#limitMs - this.#usedMs;
    if (leftMs <= 0) {
      return { isComplete: false, stop: { at: { schema: 0, value: -1 }, reason: this.#tooSlow() } };
    }
    const limitMs = job.kind === 'pattern' ? Math.min(leftMs, BASE_MS) : leftMs;
    const end = await this.#pool.run(this.#caller, job, limitMs);
    this.#usedMs += end.usedMs;
    if (end.state === 'done') return { isComplete: true, result: end.result as Result };
    // The request will be refused. What it still asks for is not worth a new thread.
    this.#usedMs = Number.POSITIVE_INFINITY;
    return {
      isComplete: false,
      stop: { at: end.at, reason: end.cause === 'time' ? this.#tooSlow() : TOO_LARGE },
    };
  }

  #tooSlow(): string {
    return `cannot be checked within the ${this.#limitMs} ms of computing time of a request`;
  }
}

const TOO_LARGE = 'cannot be checked within the memory of a check';
