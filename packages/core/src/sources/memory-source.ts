import { plainCopy } from '../lib/frozen-copy.ts';
import type {
  AnyConfig,
  FlagInput,
  FlagKey,
  LimitKey,
  PublicInput,
  PublicKey,
  SecretInput,
  SecretKey,
} from '../schema/config-types.ts';
import type { Condition, JsonValue, Ruleset, TargetedValue } from '../wire.ts';
import type { RulesetSink, RulesetSource } from './ruleset-source.ts';

/**
 * Values by tier, of the types that the schema's validators accept: the input type of a validator that transforms.
 * Flags and limits may be targeted (`{ $cohort }`).
 */
export interface TestValues<Config extends AnyConfig> {
  public?: { [Key in PublicKey<Config>]?: PublicInput<Key, Config> };
  secrets?: { [Key in SecretKey<Config>]?: SecretInput<Key, Config> };
  flags?: {
    [Key in FlagKey<Config>]?:
      | FlagInput<Key, Config>
      | TargetedValue<Exclude<FlagInput<Key, Config>, undefined>>;
  };
  limits?: { [Key in LimitKey<Config>]?: number | TargetedValue<number> };
  segments?: Record<string, Condition>;
}

/** What a test client has before its values. */
export const EMPTY_RULESET: Ruleset = {
  revision: '0',
  environment: 'test',
  public: {},
  secret: {},
  flags: {},
  limits: {},
  segments: {},
};

/** Values in memory, which can be set and overridden. It takes any values, as a server may send them. */
export class MemorySource implements RulesetSource {
  #revision = 0;
  readonly #overrides = new Set<{ values: TestValues<AnyConfig> }>();
  #stored: Ruleset = EMPTY_RULESET;
  #sink: RulesetSink | undefined;

  constructor(values: TestValues<AnyConfig>) {
    this.set(values);
  }

  start(sink: RulesetSink): Promise<void> {
    this.#sink = sink;
    sink.replace(this.#ruleset());
    sink.confirm();
    sink.status('memory');
    return Promise.resolve();
  }

  // Nothing to stop: a closed client ignores what is pushed.
  stop(): void {}

  set(values: TestValues<AnyConfig>): void {
    this.#stored = merged(this.#stored, values);
    this.#push();
  }

  /** Returns a function that ends the override; calling it again does nothing. */
  override(values: TestValues<AnyConfig>): () => void {
    const override = { values };
    this.#overrides.add(override);
    this.#push();
    return () => {
      if (this.#overrides.delete(override)) this.#push();
    };
  }

  #push(): void {
    this.#revision += 1;
    this.#sink?.replace(this.#ruleset());
    this.#sink?.confirm();
  }

  #ruleset(): Ruleset {
    let ruleset = this.#stored;
    for (const { values } of this.#overrides) ruleset = merged(ruleset, values);
    return { ...ruleset, revision: String(this.#revision) };
  }
}

/** A ruleset with these values in place of its own. */
export function merged(ruleset: Ruleset, values: TestValues<AnyConfig>): Ruleset {
  return {
    ...ruleset,
    public: merge(ruleset.public, values.public),
    secret: merge(ruleset.secret, values.secrets),
    flags: merge(ruleset.flags, values.flags),
    limits: merge(ruleset.limits, values.limits),
    segments: { ...ruleset.segments, ...values.segments },
  };
}

function merge(
  stored: Record<string, JsonValue>,
  values: Readonly<Record<string, unknown>> | undefined,
): Record<string, JsonValue> {
  const merged = { ...stored };
  for (const [key, value] of Object.entries(values ?? {})) {
    // It may be anything that the validator accepts, since it is never sent as JSON. The test may go on changing it.
    if (value !== undefined) merged[key] = plainCopy(value) as JsonValue;
  }
  return merged;
}
