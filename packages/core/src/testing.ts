import { ConfigClient } from './config-client.ts';
import type { RulesetSink, RulesetSource } from './ruleset-source.ts';
import type { AnyConfig, FlagKey, LimitKey, PublicKey, SecretKey } from './schema.ts';
import type { Condition, JsonValue, Ruleset } from './wire.ts';

/** Stored values by tier: raw ones, or targeted (`{ $cohort }`) flags and limits. */
export interface TestValues<Config extends AnyConfig> {
  public?: Partial<Record<PublicKey<Config>, JsonValue>>;
  secrets?: Partial<Record<SecretKey<Config>, JsonValue>>;
  flags?: Partial<Record<FlagKey<Config>, JsonValue>>;
  limits?: Partial<Record<LimitKey<Config>, JsonValue>>;
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
  values: Partial<Record<string, JsonValue>> | undefined,
): Record<string, JsonValue> {
  const merged = { ...stored };
  for (const [key, value] of Object.entries(values ?? {})) {
    if (value !== undefined) merged[key] = value;
  }
  return merged;
}
