import { ConfigClient } from './client/config-client.ts';
import { type InvalidKey, isConfigError, ValueMissingError, ValuesInvalidError } from './errors.ts';
import { isTargeted } from './evaluation/evaluate.ts';
import { isThenable } from './lib/guarded-call.ts';
import { jsonFault } from './lib/json-fault.ts';
import { RulesetStore } from './ruleset/ruleset-store.ts';
import type { AnyConfig, PublicKey, PublicValue, SecretKey, SecretValue } from './schema/config-types.ts';
import { EMPTY_RULESET, MemorySource, merged, type TestValues } from './sources/memory-source.ts';
import { TIERS, tierNames } from './tiers.ts';

export type { TestValues };

/** A client in memory, with the real validation and evaluation. Create one with {@link createTestClient}. */
export class TestClient<Config extends AnyConfig> extends ConfigClient<Config> {
  readonly #source: MemorySource;

  constructor(options: { config: Config } & TestValues<Config>) {
    requireValid(options.config, options);
    const source = new MemorySource(options);
    // Environment variables of the machine must not decide what a test reads.
    super({ config: options.config, source, overrides: false });
    this.#source = source;
    // The source pushes synchronously, so reads work at once. If the start fails, the test's own `ready()` rejects.
    this.ready().catch(() => undefined);
  }

  /** As of a client with a server; a value that is missing is added to the test. */
  override async ready(options: { timeoutMs?: number } = {}): Promise<this> {
    try {
      return await super.ready(options);
    } catch (error) {
      throw adviseTest(this.config, error);
    }
  }

  override public<Key extends PublicKey<Config>>(key: Key): PublicValue<Key, Config> {
    try {
      return super.public(key);
    } catch (error) {
      throw adviseTest(this.config, error);
    }
  }

  override secret<Key extends SecretKey<Config>>(key: Key): SecretValue<Key, Config> {
    try {
      return super.secret(key);
    } catch (error) {
      throw adviseTest(this.config, error);
    }
  }

  /**
   * Merges values into the current ones, as one change. Listeners are called before this returns.
   *
   * @throws {ValuesInvalidError} as {@link createTestClient} does; then nothing changes.
   */
  set(values: TestValues<Config>): void {
    requireValid(this.config, values);
    this.#source.set(values);
  }

  /**
   * Overrides values, as one change, until the returned object is disposed, such as at the end of a block with
   * `using`. Overrides may overlap and end in any order.
   *
   * @throws {ValuesInvalidError} as {@link createTestClient} does; then nothing changes.
   * @example
   * using _ = client.override({ flags: { newCheckout: true } });
   */
  override(values: TestValues<Config>): Disposable;
  /** Overrides values while `scope` runs, until its promise settles if it is asynchronous. Returns its result. */
  override<Result>(values: TestValues<Config>, scope: () => Result): Result;
  override<Result>(values: TestValues<Config>, scope?: () => Result): Disposable | Result {
    requireValid(this.config, values);
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
 * @throws {ValuesInvalidError} listing every value that the schema rejects, and every key that it does not declare.
 * @example
 * const client = createTestClient({ config, flags: { newCheckout: true } });
 * client.set({ flags: { newCheckout: false } });
 */
export function createTestClient<Config extends AnyConfig>(
  options: { config: Config } & TestValues<Config>,
): TestClient<Config> {
  return new TestClient(options);
}

/**
 * Parses the values as a client does.
 * @throws {ValuesInvalidError} listing every value that the schema rejects, and every key that it does not declare.
 */
function requireValid(config: AnyConfig, values: TestValues<AnyConfig>): void {
  const store = new RulesetStore(config);
  store.replace(merged(EMPTY_RULESET, values));
  const rejected = store.invalidKeys().filter(({ code }) => code === 'ERR_VALUE_INVALID');
  const invalid = [...misplaced(config, values), ...rejected.map((entry) => explain(entry, values))];
  if (invalid.length > 0) throw new ValuesInvalidError(EMPTY_RULESET.environment, invalid);
}

/** Keys that the schema does not declare in that group, and limits that are not numbers. */
function misplaced(config: AnyConfig, values: TestValues<AnyConfig>): InvalidKey[] {
  return TIERS.flatMap(({ group, tier, label }) =>
    Object.entries<unknown>(values[group] ?? {}).flatMap(([key, value]) => {
      if (value === undefined) return [];
      if (config.keys.get(key)?.tier !== tier) {
        return [invalidKey(key, `${group}.${key} is not in the schema: "${key}" is not a ${label}`)];
      }
      const isNumber = typeof value === 'number' && Number.isFinite(value);
      if (tier !== 'limit' || isNumber || isTargeted(value)) return [];
      return [invalidKey(key, `${group}.${key} is invalid: it must be a finite number`)];
    }),
  );
}

function invalidKey(key: string, message: string): InvalidKey {
  return { key, code: 'ERR_VALUE_INVALID', message: `${message}.` };
}

/** A value that JSON cannot carry was probably meant to be what the validator makes of a stored one. */
function explain(entry: InvalidKey, values: TestValues<AnyConfig>): InvalidKey {
  const isPlain = TIERS.every(({ group }) => {
    const value: unknown = (values[group] as Readonly<Record<string, unknown>> | undefined)?.[entry.key];
    return value === undefined || jsonFault(value) === undefined;
  });
  const advice = ' Pass the value as it is stored, before the validator transforms it.';
  return isPlain ? entry : { ...entry, message: entry.message + advice };
}

/** A test adds a missing value to its own values, not to a server. */
function adviseTest(config: AnyConfig, error: unknown): unknown {
  if (isConfigError(error, 'ERR_VALUE_MISSING')) {
    return new ValueMissingError(error.key, missingMessage(config, error.key));
  }
  if (!isConfigError(error, 'ERR_VALUES_INVALID')) return error;
  const keys = error.keys.map((entry) =>
    entry.code === 'ERR_VALUE_MISSING' ? { ...entry, message: missingMessage(config, entry.key) } : entry,
  );
  return new ValuesInvalidError(EMPTY_RULESET.environment, keys);
}

function missingMessage(config: AnyConfig, key: string): string {
  const { group } = tierNames(config.keys.get(key)?.tier ?? 'public');
  return `${group}.${key} has no value and no default. Add it to the values of the test: { ${group}: { ${JSON.stringify(key)}: … } }.`;
}
