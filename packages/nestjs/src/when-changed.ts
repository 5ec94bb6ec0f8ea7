import { type FactoryProvider, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { AnyConfig, PublicKey, RegisteredConfig, SecretKey } from '@smooai/config';
import type { ConfigClient } from '@smooai/config/server';
import type { ConfigInstance } from './config-instance.ts';
import { isPromise } from './is-promise.ts';
import { DEFAULT_NAME, instanceToken } from './tokens.ts';

export interface WhenChangedOptions<Value> {
  /**
   * Disposes of a value after its last use. Default: its `Symbol.asyncDispose` or `Symbol.dispose`, if it has one.
   */
  dispose?: (value: Value) => unknown;
  /** Called with the error of a failed rebuild; the previous value stays in use. Default: its name is logged. */
  onError?: (error: unknown) => unknown;
  /** The `name` of the instance; default: the one without a name. */
  name?: string;
}

/**
 * Makes a provider that is built again whenever one of the keys changes, such as a connection pool when its password is
 * rotated. The provider is a {@link Rebuilt}.
 *
 * @example
 * { provide: DATABASE, ...whenChanged(['databaseUrl'], (config) => new Pool({ connectionString: config.secret('databaseUrl') }),
 *   { dispose: (pool) => pool.end() }) }
 */
export function whenChanged<Value, Config extends AnyConfig = RegisteredConfig>(
  keys: readonly (PublicKey<Config> | SecretKey<Config>)[],
  create: (client: ConfigClient<Config>) => Value | Promise<Value>,
  options: WhenChangedOptions<Value> = {},
): Pick<FactoryProvider<Rebuilt<Value>>, 'useFactory' | 'inject'> {
  return {
    inject: [instanceToken(options.name ?? DEFAULT_NAME)],
    useFactory: (instance: ConfigInstance) =>
      Rebuilt.start({
        client: instance.client,
        keys,
        create: () => create(instance.client as unknown as ConfigClient<Config>),
        options,
      }),
  };
}

interface RebuiltSource<Value> {
  client: ConfigClient<AnyConfig>;
  keys: readonly string[];
  create: () => Value | Promise<Value>;
  options: WhenChangedOptions<Value>;
}

interface Slot<Value> {
  value: Value;
  users: number;
  isRetired: boolean;
}

/** A value that is built again when the configuration changes. */
export class Rebuilt<Value> implements OnApplicationShutdown {
  private readonly source: RebuiltSource<Value>;
  private readonly logger = new Logger('SmooConfig');
  private readonly unsubscribe: () => void;
  private slot: Slot<Value>;
  private inputs: readonly unknown[];
  private rebuild: Promise<void> | undefined;
  private isRebuilding = false;
  private isClosed = false;

  private constructor(source: RebuiltSource<Value>, inputs: readonly unknown[], value: Value) {
    this.source = source;
    this.inputs = inputs;
    this.slot = { value, users: 0, isRetired: false };
    this.unsubscribe = source.client.subscribe(({ keys }) => {
      if (keys.some((key) => source.keys.includes(key))) this.follow();
    });
  }

  static async start<Value>(source: RebuiltSource<Value>): Promise<Rebuilt<Value>> {
    const inputs = readInputs(source);
    const rebuilt = new Rebuilt(source, inputs, await source.create());
    // The values may have changed meanwhile.
    rebuilt.follow();
    return rebuilt;
  }

  /**
   * Calls `run` with the current value and returns its result. The value is not disposed of before `run` has returned and
   * its promise has settled, so do not keep it for longer.
   *
   * @example
   * const { rows } = await this.database.use((pool) => pool.query('select 1'));
   */
  use<Result>(run: (value: Value) => Result): Result {
    const slot = this.slot;
    slot.users += 1;
    const release = (): void => {
      slot.users -= 1;
      if (slot.isRetired && slot.users === 0) void this.dispose(slot);
    };
    let result: Result;
    try {
      result = run(slot.value);
    } catch (error) {
      release();
      throw error;
    }
    if (!isPromise(result)) {
      release();
      return result;
    }
    return Promise.resolve(result).finally(release) as Result;
  }

  /** Handlers have finished by then, so the value is disposed of at once. */
  async onApplicationShutdown(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.unsubscribe();
    await this.rebuild;
    await this.dispose(this.slot);
  }

  private follow(): void {
    if (this.isRebuilding) return;
    this.isRebuilding = true;
    this.rebuild = this.rebuildUntilCurrent();
  }

  private async rebuildUntilCurrent(): Promise<void> {
    try {
      for (let inputs = this.changedInputs(); inputs !== undefined; inputs = this.changedInputs()) {
        this.inputs = inputs;
        try {
          const value = this.source.create();
          // At once if it can be: the change and the new value are then seen together.
          this.replace(isPromise(value) ? await value : value);
        } catch (error) {
          this.report(error);
        }
      }
    } catch (error) {
      // The values cannot be read, so there is nothing to build from before the next change.
      this.report(error);
    } finally {
      // In the same turn as the last look at the values, so that no change falls in between.
      this.isRebuilding = false;
    }
  }

  private changedInputs(): readonly unknown[] | undefined {
    if (this.isClosed) return undefined;
    const inputs = readInputs(this.source);
    return inputs.some((input, index) => !Object.is(input, this.inputs[index])) ? inputs : undefined;
  }

  private replace(value: Value): void {
    const previous = this.slot;
    this.slot = { value, users: 0, isRetired: false };
    previous.isRetired = true;
    if (previous.users === 0) void this.dispose(previous);
  }

  private async dispose({ value }: Slot<Value>): Promise<void> {
    try {
      await (this.source.options.dispose ?? disposeBySymbol)(value);
    } catch (error) {
      this.logger.error(`A rebuilt provider could not dispose of its previous value: ${nameOf(error)}.`);
    }
  }

  private report(error: unknown): void {
    const { keys, options } = this.source;
    if (options.onError !== undefined) {
      void this.callOnError(options.onError, error);
      return;
    }
    // Not the message: it can contain the new secret, such as that of an invalid URL.
    this.logger.error(
      `A provider could not be rebuilt after a change of ${keys.join(', ')}: ${nameOf(error)}. The previous one stays.`,
    );
  }

  /** Its own errors are logged: nothing else would handle them, and they would end the process. */
  private async callOnError(onError: (error: unknown) => unknown, error: unknown): Promise<void> {
    try {
      await onError(error);
    } catch (failure) {
      this.logger.error(`The "onError" of whenChanged failed: ${nameOf(failure)}.`);
    }
  }
}

function readInputs({ client, keys }: Pick<RebuiltSource<unknown>, 'client' | 'keys'>): readonly unknown[] {
  return keys.map((key) =>
    client.config.keys.get(key)?.tier === 'secret' ? client.secret(key) : client.public(key),
  );
}

async function disposeBySymbol(value: unknown): Promise<void> {
  const disposable = value as Partial<AsyncDisposable & Disposable> | null | undefined;
  if (typeof disposable?.[Symbol.asyncDispose] === 'function') await disposable[Symbol.asyncDispose]?.();
  else disposable?.[Symbol.dispose]?.();
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
