import type { ConfigApi } from '../api/config-api.ts';
import { sameJson } from '../lib/json.ts';
import type { AnyConfig } from '../schema/config-types.ts';
import { tierNames } from '../tiers.ts';
import type { JsonValue, Ruleset } from '../wire.ts';
import { pushRuleset, runPolling } from './polling.ts';
import type { RulesetSink } from './ruleset-source.ts';

export interface ValuesSourceOptions {
  api: ConfigApi;
  environment: string;
  /** Needed for the tiers, which `/values` does not contain. */
  config: Pick<AnyConfig, 'keys'>;
  /** Milliseconds between two polls; default 30,000. */
  pollIntervalMs?: number;
  /** Milliseconds between checks for `/ruleset`; default 600,000. */
  detectIntervalMs?: number;
}

/** Prefix of the epochs that this source generates. */
const EPOCH_PREFIX = 'values-';

/**
 * Polls a platform that implements only the published contract: `GET /values`, without rulesets and streams. It
 * turns the values into rulesets with an epoch of its own. Their revision is the time at which this process first
 * saw them, so that a browser with snapshots of two processes can tell which is newer.
 */
export class ValuesSource {
  readonly #options: ValuesSourceOptions;
  readonly #epoch = `${EPOCH_PREFIX}${crypto.randomUUID()}`;
  #current: Ruleset | undefined;
  #detectedAt: number = performance.now();

  constructor(options: ValuesSourceOptions) {
    this.#options = options;
  }

  /** Fetches the values once. They are pushed if they changed, else only confirmed. */
  async poll(sink: RulesetSink, signal: AbortSignal): Promise<void> {
    const { api, environment } = this.#options;
    const values = await api.listValues(environment, { signal, retries: 0 });
    signal.throwIfAborted();
    const ruleset = this.#rulesetOf(values);
    if (ruleset === this.#current) sink.confirm();
    else if (pushRuleset(sink, ruleset)) this.#current = ruleset;
  }

  /**
   * Polls until the signal aborts, or until the platform serves rulesets and one was pushed. The first poll is one
   * interval from now. Never rejects.
   */
  run(sink: RulesetSink, signal: AbortSignal): Promise<void> {
    return runPolling({
      poll: async () => {
        await this.poll(sink, signal);
        return !(await this.#switchedToRuleset(sink, signal));
      },
      signal,
      intervalMs: this.#options.pollIntervalMs ?? 30_000,
      startsWithWait: true,
      onSuccess: () => sink.status('polling'),
      onFailure: (error) => sink.status('disconnected', error),
    });
  }

  async #switchedToRuleset(sink: RulesetSink, signal: AbortSignal): Promise<boolean> {
    const { api, environment, detectIntervalMs = 600_000 } = this.#options;
    if (performance.now() - this.#detectedAt < detectIntervalMs) return false;
    this.#detectedAt = performance.now();
    // If this fails, polling the values still works.
    const answer = await api.getRuleset(environment, { signal, retries: 0 }).catch(() => undefined);
    if (signal.aborted || answer?.status !== 'changed') return false;
    return pushRuleset(sink, separateEpoch(answer.ruleset, sink.epoch));
  }

  /**
   * Makes a ruleset of the values; returns the current one if they are equal. Keys that the schema does not declare
   * are left out.
   */
  #rulesetOf(values: Readonly<Record<string, JsonValue>>): Ruleset {
    const previous = this.#current;
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
 * A ruleset without an epoch counts as one of the current epoch. That would be wrong after {@link ValuesSource},
 * whose revisions are not the server's: such a ruleset gets an epoch of its own.
 */
export function separateEpoch(ruleset: Ruleset, currentEpoch: string | undefined): Ruleset {
  if (ruleset.epoch !== undefined || currentEpoch?.startsWith(EPOCH_PREFIX) !== true) return ruleset;
  return { ...ruleset, epoch: `ruleset-${crypto.randomUUID()}` };
}
