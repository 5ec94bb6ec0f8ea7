import type { ConfigApi } from '../api/config-api.ts';
import { sameJson } from '../lib/json.ts';
import type { AnyConfig } from '../schema/config-types.ts';
import { tierNames } from '../tiers.ts';
import type { JsonValue, Ruleset } from '../wire.ts';
import { pushRuleset, runPolling } from './polling.ts';
import type { RulesetSink } from './ruleset-source.ts';

/** Options of {@link ValuesSource}. */
export interface ValuesSourceOptions {
  api: ConfigApi;
  environment: string;
  /** Tells the tier of each key, which `/values` does not. */
  config: Pick<AnyConfig, 'keys'>;
  /** Default 30,000. */
  pollIntervalMs?: number;
  /** How often the platform is asked whether it has rulesets by now; default 600,000. */
  detectIntervalMs?: number;
}

/** Epochs that are made here begin with it. */
const EPOCH_PREFIX = 'values-';

/**
 * A platform with the published contract only: `GET /values`, made into rulesets. They have an epoch of this source's
 * own, and the time at which this process first saw them as their revision, so that what two processes hand to one
 * browser is in order too.
 */
export class ValuesSource {
  readonly #options: ValuesSourceOptions;
  readonly #epoch = `${EPOCH_PREFIX}${crypto.randomUUID()}`;
  #inHand: Ruleset | undefined;
  #detectedAt: number = performance.now();

  constructor(options: ValuesSourceOptions) {
    this.#options = options;
  }

  /** Asks for the values once; they are pushed only where they are others than before. */
  async ask(sink: RulesetSink, signal: AbortSignal): Promise<void> {
    const { api, environment } = this.#options;
    const values = await api.listValues(environment, { signal, retries: 0 });
    signal.throwIfAborted();
    const ruleset = this.#rulesetOf(values);
    if (ruleset === this.#inHand) sink.confirm();
    else if (pushRuleset(sink, ruleset)) this.#inHand = ruleset;
  }

  /** Polls, from an interval on, until the platform's own ruleset was pushed or the signal aborts. Never rejects. */
  run(sink: RulesetSink, signal: AbortSignal): Promise<void> {
    return runPolling({
      ask: async () => {
        await this.ask(sink, signal);
        return !(await this.#isRulesetTaken(sink, signal));
      },
      signal,
      intervalMs: this.#options.pollIntervalMs ?? 30_000,
      isFresh: true,
      onAnswer: () => sink.status('polling'),
      onFailure: (error) => sink.status('disconnected', error),
    });
  }

  async #isRulesetTaken(sink: RulesetSink, signal: AbortSignal): Promise<boolean> {
    const { api, environment, detectIntervalMs = 600_000 } = this.#options;
    if (performance.now() - this.#detectedAt < detectIntervalMs) return false;
    this.#detectedAt = performance.now();
    // Whatever goes wrong, the values are there and go on being polled.
    const answer = await api.getRuleset(environment, { signal, retries: 0 }).catch(() => undefined);
    if (signal.aborted || answer?.status !== 'changed') return false;
    return pushRuleset(sink, apartFromValues(answer.ruleset, sink.epoch));
  }

  /** The values by tier: the ruleset in hand where they are the same. A key that no schema declares has no tier. */
  #rulesetOf(values: Readonly<Record<string, JsonValue>>): Ruleset {
    const previous = this.#inHand;
    const revision = String(Math.max(Date.now(), Number(previous?.revision ?? 0) + 1));
    const { environment } = this.#options;
    const empty = { public: {}, secret: {}, flags: {}, limits: {}, segments: {} };
    const ruleset: Ruleset = { revision, epoch: this.#epoch, environment, ...empty };
    for (const { key, tier } of this.#options.config.keys.values()) {
      const value = Object.hasOwn(values, key) ? values[key] : undefined;
      if (value !== undefined) ruleset[tierNames(tier).ruleset][key] = value;
    }
    const isSame = previous !== undefined && sameJson({ ...ruleset, revision: previous.revision }, previous);
    return isSame ? previous : ruleset;
  }
}

/**
 * A ruleset without an epoch counts as one of the epoch in hand. It must not where that is of values, whose revisions
 * are no server's: it gets one of its own then.
 */
export function apartFromValues(ruleset: Ruleset, epochInHand: string | undefined): Ruleset {
  if (ruleset.epoch !== undefined || epochInHand?.startsWith(EPOCH_PREFIX) !== true) return ruleset;
  return { ...ruleset, epoch: `ruleset-${crypto.randomUUID()}` };
}
