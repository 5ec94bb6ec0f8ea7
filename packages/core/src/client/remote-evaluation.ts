import { ClientClosedError, EvaluateContextError, NotReadyError } from '../errors.ts';
import { Deadline } from '../http/deadline.ts';
import { ExchangeFailure } from '../http/exchange-failure.ts';
import { onAbort } from '../http/on-abort.ts';
import { SharedWork } from '../http/shared-work.ts';
import { canonicalJson, isJson } from '../lib/json.ts';
import { checkMilliseconds } from '../lib/option-checks.ts';
import { isRecord } from '../lib/record.ts';
import type { ParsedEvaluation } from '../ruleset/compiled-key.ts';
import { parseStored } from '../ruleset/compiled-key.ts';
import type { AnyConfig, KeyDefinition } from '../schema/config-types.ts';
import type { Evaluation, EvaluationContext, EvaluationSource, Tier } from '../wire.ts';
import type { ServerConnection } from './connection.ts';
import { declaredKey } from './declared-key.ts';
import { EvaluationCache, type EvaluationCacheOptions } from './evaluation-cache.ts';
import { evaluationError, notFoundError, resultError, waitError } from './evaluation-errors.ts';

/** Options of `evaluateFlag` and `evaluateLimit`. */
export interface EvaluateOptions {
  /** Ends this call's wait. Other calls that share the request keep waiting. */
  signal?: AbortSignal | undefined;
  /** How long this call waits, in milliseconds; default 10,000. */
  timeoutMs?: number | undefined;
}

/** What a {@link RemoteEvaluation} needs from its client. */
export interface RemoteEvaluationParts {
  config: Pick<AnyConfig, 'keys'>;
  /** The server that evaluates; undefined if there is none, so that the client evaluates locally. May throw. */
  server: () => ServerConnection | undefined;
  /** Evaluates in the client. */
  local: (tier: Tier, key: string, context: EvaluationContext) => ParsedEvaluation;
  /** The epoch of the client's current values. */
  epoch: () => string | undefined;
  /** Aborts when the client is closed. */
  signal: AbortSignal;
  /** Caches results; default no cache. */
  cache?: EvaluationCacheOptions | undefined;
}

interface EvaluationRequest {
  definition: KeyDefinition;
  /** The context as canonical JSON. */
  context: string;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** {@link EvaluationSource} at run time. */
const SOURCES: ReadonlySet<string> = new Set<EvaluationSource>(['raw', 'rule', 'rollout', 'default']);

/** Evaluates flags and limits on the server. Concurrent calls for the same key and context share one request. */
export class RemoteEvaluation {
  readonly #parts: RemoteEvaluationParts;
  readonly #cache: EvaluationCache<Evaluation<unknown>> | undefined;
  readonly #inFlight = new Map<string, SharedWork<Evaluation<unknown>>>();
  /** For each key that was evaluated: how often it has changed since. */
  readonly #changeCounts = new Map<string, number>();
  #epoch: string | undefined;
  #epochCount = 0;

  /** @throws {OptionsError} for a cache without valid bounds. */
  constructor(parts: RemoteEvaluationParts) {
    this.#parts = parts;
    this.#cache = parts.cache && new EvaluationCache(parts.cache);
    onAbort(parts.signal, () => this.#close());
  }

  /**
   * @throws {UnknownKeyError} for a key that the schema does not declare in that tier.
   * @throws {EvaluateContextError} for a context that is not plain JSON, or that the server rejects.
   * @throws {EvaluateNotFoundError} if the server has nothing to evaluate.
   * @throws {EvaluateFailedError} for every other failure, a timeout or an aborted `signal` included.
   */
  async evaluate(
    { tier, key, context }: { tier: Tier; key: string; context: EvaluationContext | undefined },
    options: EvaluateOptions = {},
  ): Promise<Evaluation<unknown>> {
    if (this.#parts.signal.aborted) throw new ClientClosedError();
    const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    const definition = declaredKey(this.#parts.config, tier, key);
    const request = { definition, context: contextText(key, context) };
    checkMilliseconds('timeoutMs', timeoutMs);
    const server = this.#parts.server();
    const deadline = new Deadline({ timeoutMs, signal });
    try {
      if (deadline.over !== undefined) throw deadline.over;
      if (server === undefined) return this.#evaluateLocally(request);
      return await this.#evaluateShared(request, server, deadline);
    } catch (error) {
      throw error instanceof ExchangeFailure ? waitError(definition, error) : error;
    } finally {
      deadline.end();
    }
  }

  /** Makes results of these keys from before the change unusable, in the cache and in flight. */
  changed(keys: readonly string[]): void {
    for (const key of keys) {
      const count = this.#changeCounts.get(key);
      if (count !== undefined) this.#changeCounts.set(key, count + 1);
    }
  }

  /** Aborts all requests; their callers get a {@link ClientClosedError}. */
  #close(): void {
    for (const shared of [...this.#inFlight.values()]) shared.abort();
    this.#cache?.clear();
  }

  async #evaluateShared(
    request: EvaluationRequest,
    server: ServerConnection,
    deadline: Deadline,
  ): Promise<Evaluation<unknown>> {
    const id = this.#idOf(request);
    const cached = this.#cache?.get(id);
    if (cached !== undefined) return cached;
    const shared = this.#inFlight.get(id) ?? this.#send(id, request, server);
    const { signal } = deadline;
    return shared.join({ signal, aborted: () => deadline.failure(signal.reason) });
  }

  #send(id: string, request: EvaluationRequest, server: ServerConnection): SharedWork<Evaluation<unknown>> {
    const shared = new SharedWork(
      async (signal) => {
        const result = await this.#fetch(request, server, signal);
        // A change meanwhile gives the request another id: the result is outdated then, and not cached.
        if (this.#idOf(request) === id) this.#cache?.set(id, result);
        return result;
      },
      () => {
        if (this.#inFlight.get(id) === shared) this.#inFlight.delete(id);
      },
    );
    this.#inFlight.set(id, shared);
    return shared;
  }

  async #fetch(
    { definition, context }: EvaluationRequest,
    { api, environment }: ServerConnection,
    signal: AbortSignal,
  ): Promise<Evaluation<unknown>> {
    const { key, tier } = definition;
    // Parsed from the text, so that the caller may go on changing the object that it passed.
    const attributes = JSON.parse(context) as EvaluationContext;
    try {
      const result =
        tier === 'limit'
          ? await api.evaluateLimit(environment, key, attributes, { signal })
          : await api.evaluateFlag(environment, key, attributes, { signal });
      return parseResult(definition, result);
    } catch (error) {
      throw this.#parts.signal.aborted ? new ClientClosedError() : evaluationError(definition, error);
    }
  }

  #evaluateLocally({ definition, context }: EvaluationRequest): Evaluation<unknown> {
    const { tier, key } = definition;
    const attributes = JSON.parse(context) as EvaluationContext;
    const { errorCode, ...result } = this.#parts.local(tier, key, attributes);
    if (errorCode === undefined) return result;
    if (errorCode === 'ERR_NOT_READY') {
      throw new NotReadyError(
        `"${key}" was evaluated before the client was ready. Await client.ready() first.`,
      );
    }
    throw errorCode === 'ERR_VALUE_MISSING' ? notFoundError(definition) : resultError(definition, 'invalid');
  }

  /** Identifies a result. The id changes with the key's value and with the epoch, so no result outlives either. */
  #idOf({ definition: { key }, context }: EvaluationRequest): string {
    const epoch = this.#parts.epoch();
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#epochCount += 1;
      this.#cache?.clear();
    }
    const count = this.#changeCounts.get(key) ?? 0;
    this.#changeCounts.set(key, count);
    return `${this.#epochCount}.${count} ${key} ${context}`;
  }
}

/** Parses a result by the key's schema. It is frozen, since several callers may share it. */
function parseResult(definition: KeyDefinition, result: Evaluation): Evaluation<unknown> {
  const { source, matchedRuleId, rolloutBucket } = result;
  if (!SOURCES.has(source)) throw resultError(definition, 'malformed');
  const parsed = parseStored(definition, result.value);
  if (!parsed.ok) throw resultError(definition, 'invalid');
  return Object.freeze({
    value: parsed.value,
    source,
    ...(typeof matchedRuleId === 'string' && { matchedRuleId }),
    ...(typeof rolloutBucket === 'number' && { rolloutBucket }),
  });
}

/**
 * A context as canonical JSON: the same text for the same attributes in any order.
 *
 * @throws {EvaluateContextError} for anything that JSON would change or drop, such as a Date.
 */
function contextText(key: string, context: unknown): string {
  if (context === undefined) return '{}';
  if (!isRecord(context)) throw contextError(key, 'it is not an object');
  let culprit: string | undefined;
  try {
    if (isJson(context)) return canonicalJson(context);
    culprit = Object.entries(context).find(([, value]) => value !== undefined && !isJson(value))?.[0];
  } catch {
    // A getter or a proxy threw. Its message is not repeated: it may contain anything.
  }
  const part = culprit === undefined ? 'it' : `its attribute ${JSON.stringify(culprit.slice(0, 100))}`;
  throw contextError(key, `${part} is not plain JSON`);
}

function contextError(key: string, reason: string): EvaluateContextError {
  return new EvaluateContextError(
    key,
    `The context for "${key}" cannot be sent: ${reason}. Pass an object of strings, finite numbers, booleans, null, arrays and plain objects, with dates as ISO strings.`,
  );
}
