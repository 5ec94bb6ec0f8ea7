import { ConfigClient } from './client/config-client.ts';
import { plainCopy } from './lib/frozen-copy.ts';
import { isThenable } from './lib/guarded-call.ts';
import type {
  AnyConfig,
  FlagInput,
  FlagKey,
  LimitKey,
  PublicInput,
  PublicKey,
  SecretInput,
  SecretKey,
} from './schema/config-types.ts';
import type { RulesetSink, RulesetSource } from './sources/ruleset-source.ts';
import type { Condition, JsonValue, Ruleset, TargetedValue } from './wire.ts';

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

/** A client in memory, with the real validation and evaluation. Create one with {@link createTestClient}. */
export class TestClient<Config extends AnyConfig> extends ConfigClient<Config> {
  readonly #source: MemorySource;

  constructor(options: { config: Config } & TestValues<Config>) {
    const source = new MemorySource(options);
    // Environment variables of the machine must not decide what a test reads.
    super({ config: options.config, source, overrides: false });
    this.#source = source;
    // The source pushes synchronously, so reads work at once. If the start fails, the test's own `ready()` rejects.
    this.ready().catch(() => undefined);
  }

  /** Merges values into the current ones, as one change. Listeners are called before this returns. */
  set(values: TestValues<Config>): void {
    this.#source.set(values);
  }

  /**
   * Overrides values, as one change, until the returned object is disposed, such as at the end of a block with
   * `using`. Overrides may overlap and end in any order.
   *
   * @example
   * using _ = client.override({ flags: { newCheckout: true } });
   */
  override(values: TestValues<Config>): Disposable;
  /** Overrides values while `scope` runs, until its promise settles if it is asynchronous. Returns its result. */
  override<Result>(values: TestValues<Config>, scope: () => Result): Result;
  override<Result>(values: TestValues<Config>, scope?: () => Result): Disposable | Result {
    const end = this.#source.override(values);
    if (scope === undefined) return { [Symbol.dispose]: end };
    let result: Result;
    try {
      result = scope();
    } catch (error) {
      end();
      throw error;
    }
    if (!isThenable(result)) {
      end();
      return result;
    }
    return Promise.resolve(result).finally(end) as Result;
  }
}

/**
 * Creates a client for tests. It needs no server and no settings. Keys that are left out have the schema's default.
 *
 * @example
 * const client = createTestClient({ config, flags: { newCheckout: true } });
 * client.set({ flags: { newCheckout: false } });
 */
export function createTestClient<Config extends AnyConfig>(
  options: { config: Config } & TestValues<Config>,
): TestClient<Config> {
  return new TestClient(options);
}

class MemorySource implements RulesetSource {
  #revision = 0;
  readonly #overrides = new Set<{ values: TestValues<AnyConfig> }>();
  #stored: Ruleset = {
    revision: '0',
    environment: 'test',
    public: {},
    secret: {},
    flags: {},
    limits: {},
    segments: {},
  };
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

function merged(ruleset: Ruleset, values: TestValues<AnyConfig>): Ruleset {
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
