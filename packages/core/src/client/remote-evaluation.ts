import type { ConfigApi } from '../api/config-api.ts';
import { ClientClosedError, NotReadyError, UnknownKeyError } from '../errors.ts';
import { Deadline } from '../http/deadline.ts';
import { ExchangeFailure } from '../http/exchange-failure.ts';
import { checkMilliseconds } from '../lib/option-checks.ts';
import type { ParsedEvaluation } from '../ruleset/compiled-key.ts';
import { parseStored } from '../ruleset/compiled-key.ts';
import type { AnyConfig, KeyDefinition } from '../schema/config-types.ts';
import { tierNames } from '../tiers.ts';
import type { Evaluation, EvaluationContext, EvaluationSource, Tier } from '../wire.ts';
import { EvaluationCache, type EvaluationCacheOptions } from './evaluation-cache.ts';
import { contextText } from './evaluation-context.ts';
import {
  badAnswer,
  describeEndedWait,
  describeEvaluationFailure,
  evaluationNotFound,
} from './evaluation-errors.ts';
import { EvaluationFlight } from './evaluation-flight.ts';

/** What `evaluateFlag` and `evaluateLimit` of a client take. */
export interface EvaluateOptions {
  /** Ends this caller's wait; others that wait for the same answer go on. */
  signal?: AbortSignal | undefined;
  /** How long this caller waits, in milliseconds; default 10,000. */
  timeoutMs?: number | undefined;
}

/** A config server, and the environment of a client there. */
export interface ServerConnection {
  api: ConfigApi;
  environment: string;
}

/** What a {@link RemoteEvaluation} needs of its client. */
export interface RemoteEvaluationParts {
  config: Pick<AnyConfig, 'keys'>;
  /** Who evaluates; undefined where there is no server, and the client itself does. May throw. */
  server: () => ServerConnection | undefined;
  /** The client's own answer. */
  local: (tier: Tier, key: string, context: EvaluationContext) => ParsedEvaluation;
  /** The epoch of the values in hand. */
  epoch: () => string | undefined;
  /** Keeps answers; none by default. */
  cache?: EvaluationCacheOptions | undefined;
}

/** A flag or limit, and whom it is to be evaluated for. */
interface Question {
  definition: KeyDefinition;
  /** The context, canonical. */
  context: string;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** Lists them for {@link readAnswer}: a type has no list of its members. */
const SOURCES: ReadonlySet<string> = new Set<EvaluationSource>(['raw', 'rule', 'rollout', 'default']);

/** Flags and limits that the server evaluates: one request for all who ask the same at the same time. */
export class RemoteEvaluation {
  readonly #parts: RemoteEvaluationParts;
  readonly #cache: EvaluationCache<Evaluation<unknown>> | undefined;
  readonly #flights = new Map<string, EvaluationFlight<Evaluation<unknown>>>();
  /** How often each key that was asked for has changed since. */
  readonly #changes = new Map<string, number>();
  #epoch: string | undefined;
  #epochs = 0;
  #isClosed = false;

  /** @throws {OptionsError} for a cache without bounds. */
  constructor(parts: RemoteEvaluationParts) {
    this.#parts = parts;
    this.#cache = parts.cache && new EvaluationCache(parts.cache);
  }

  /**
   * @throws {UnknownKeyError} for a key that the schema does not declare in that tier.
   * @throws {EvaluateContextError} for a context that is no JSON, or that the server refuses.
   * @throws {EvaluateNotFoundError} where the server has nothing to evaluate.
   * @throws {EvaluateFailedError} for everything else that keeps the answer away, also `signal` and `timeoutMs`.
   */
  async evaluate(
    { tier, key, context }: { tier: Tier; key: string; context: EvaluationContext | undefined },
    options: EvaluateOptions = {},
  ): Promise<Evaluation<unknown>> {
    if (this.#isClosed) throw new ClientClosedError();
    const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    const definition = this.#definitionOf(tier, key);
    const question = { definition, context: contextText(key, context) };
    checkMilliseconds('timeoutMs', timeoutMs);
    const server = this.#parts.server();
    const deadline = new Deadline({ timeoutMs, signal });
    try {
      if (deadline.over !== undefined) throw deadline.over;
      if (server === undefined) return this.#answerLocally(question);
      return await this.#answer(question, server, deadline);
    } catch (error) {
      throw error instanceof ExchangeFailure ? describeEndedWait(definition, error) : error;
    } finally {
      deadline.end();
    }
  }

  /** These keys changed: answers from before are not served any more, also those that are still on their way. */
  changed(keys: readonly string[]): void {
    for (const key of keys) {
      const count = this.#changes.get(key);
      if (count !== undefined) this.#changes.set(key, count + 1);
    }
  }

  /** Ends every wait with a {@link ClientClosedError}. */
  close(): void {
    this.#isClosed = true;
    for (const flight of [...this.#flights.values()]) flight.end();
    this.#cache?.clear();
  }

  async #answer(
    question: Question,
    server: ServerConnection,
    deadline: Deadline,
  ): Promise<Evaluation<unknown>> {
    const id = this.#idOf(question);
    return (
      this.#cache?.get(id) ??
      (await (this.#flights.get(id) ?? this.#depart(id, question, server)).wait(deadline))
    );
  }

  #depart(id: string, question: Question, server: ServerConnection): EvaluationFlight<Evaluation<unknown>> {
    const flight = new EvaluationFlight(
      async (signal) => {
        const answer = await this.#ask(question, server, signal);
        if (this.#idOf(question) === id) this.#cache?.set(id, answer);
        return answer;
      },
      () => {
        if (this.#flights.get(id) === flight) this.#flights.delete(id);
      },
    );
    this.#flights.set(id, flight);
    return flight;
  }

  async #ask(
    { definition, context }: Question,
    { api, environment }: ServerConnection,
    signal: AbortSignal,
  ): Promise<Evaluation<unknown>> {
    const { key, tier } = definition;
    // Read back, so that the caller may go on with the object it gave.
    const attributes = JSON.parse(context) as EvaluationContext;
    try {
      const answer =
        tier === 'limit'
          ? await api.evaluateLimit(environment, key, attributes, { signal })
          : await api.evaluateFlag(environment, key, attributes, { signal });
      return readAnswer(definition, answer);
    } catch (error) {
      throw this.#isClosed ? new ClientClosedError() : describeEvaluationFailure(definition, error);
    }
  }

  #answerLocally({ definition, context }: Question): Evaluation<unknown> {
    const { tier, key } = definition;
    const attributes = JSON.parse(context) as EvaluationContext;
    const { errorCode, ...answer } = this.#parts.local(tier, key, attributes);
    if (errorCode === undefined) return answer;
    if (errorCode === 'ERR_NOT_READY') {
      throw new NotReadyError(
        `"${key}" was to be evaluated before the client was ready. Await client.ready() first.`,
      );
    }
    throw errorCode === 'ERR_VALUE_MISSING'
      ? evaluationNotFound(definition)
      : badAnswer(definition, 'invalid');
  }

  #definitionOf(tier: Tier, key: string): KeyDefinition {
    const definition = this.#parts.config.keys.get(key);
    if (definition?.tier === tier) return definition;
    const { label, group } = tierNames(tier);
    throw new UnknownKeyError(
      key,
      `"${key}" is no ${label} of the schema. Declare it under "${group}", or check its name.`,
    );
  }

  /** What names an answer: another after each change of the key and in each epoch, so that none outlives either. */
  #idOf({ definition: { key }, context }: Question): string {
    const epoch = this.#parts.epoch();
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#epochs += 1;
      this.#cache?.clear();
    }
    const count = this.#changes.get(key) ?? 0;
    this.#changes.set(key, count);
    return `${this.#epochs}.${count} ${key} ${context}`;
  }
}

/** An answer as the key's schema takes it. It may be handed to many, so none can write to it. */
function readAnswer(definition: KeyDefinition, answer: Evaluation): Evaluation<unknown> {
  const { source, matchedRuleId, rolloutBucket } = answer;
  if (!SOURCES.has(source)) throw badAnswer(definition, 'malformed');
  const parsed = parseStored(definition, answer.value);
  if (!parsed.ok) throw badAnswer(definition, 'invalid');
  return Object.freeze({
    value: parsed.value,
    source,
    ...(typeof matchedRuleId === 'string' && { matchedRuleId }),
    ...(typeof rolloutBucket === 'number' && { rolloutBucket }),
  });
}
