import { ConfigClient } from './config-client.ts';
import type { RulesetSink, RulesetSource } from './ruleset-source.ts';
import type {
  AnyConfig,
  FlagInput,
  FlagKey,
  LimitKey,
  PublicInput,
  PublicKey,
  SecretInput,
  SecretKey,
} from './schema.ts';
import type { Condition, JsonValue, Ruleset, TargetedValue } from './wire.ts';

/**
 * Values by tier, as they are stored: of the type that the key's validator takes, which differs from the one that is
 * read where it transforms. Flags and limits may be targeted (`{ $cohort }`).
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

/** A client in memory, with the real validation and evaluation. */
export class TestClient<Config extends AnyConfig> extends ConfigClient<Config> {
  readonly #source: MemorySource;

  constructor(options: { config: Config } & TestValues<Config>) {
    const source = new MemorySource(options);
    super({ config: options.config, source });
    this.#source = source;
    // The source in memory pushes before its promise resolves, so reads work at once.
    // What `ready()` throws is for whoever awaits it.
    this.ready().catch(() => undefined);
  }

  /** Merges values into those stored, as one change; subscribers hear of it before it returns. */
  set(values: TestValues<Config>): void {
    this.#source.set(values);
  }
}

/**
 * A client for tests: no server, no settings; keys that are left out have the schema's default.
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
  #ruleset: Ruleset = {
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
    sink.replace(this.#ruleset);
    sink.confirm();
    sink.status('memory');
    return Promise.resolve();
  }

  // There is nothing to end, and a closed client takes nothing more by itself.
  stop(): void {}

  set(values: TestValues<AnyConfig>): void {
    const last = this.#ruleset;
    this.#ruleset = {
      ...last,
      revision: String(Number(last.revision) + 1),
      public: merge(last.public, values.public),
      secret: merge(last.secret, values.secrets),
      flags: merge(last.flags, values.flags),
      limits: merge(last.limits, values.limits),
      segments: { ...last.segments, ...values.segments },
    };
    this.#sink?.replace(this.#ruleset);
    this.#sink?.confirm();
  }
}

function merge(
  stored: Record<string, JsonValue>,
  values: Readonly<Record<string, unknown>> | undefined,
): Record<string, JsonValue> {
  const merged = { ...stored };
  for (const [key, value] of Object.entries(values ?? {})) {
    // What a validator takes need not be JSON; it is stored as it is, since it goes over no wire.
    if (value !== undefined) merged[key] = value as JsonValue;
  }
  return merged;
}
