import { type DynamicModule, type INestApplicationContext, Module } from '@nestjs/common';
import { type AnyConfig, OptionsError, type RegisteredConfig } from '@smooai/config';
import type { ConfigClient } from '@smooai/config/server';
import { createTestClient, type TestClient, type TestValues } from '@smooai/config/testing';
import type { TestValuesSource } from './config-client.ts';
import { DEFAULT_NAME, getConfigClientToken, TEST_REGISTRATION, testValuesToken } from './tokens.ts';

export interface TestingOptions {
  /** The `name` of the instance; default: the one without a name. */
  name?: string;
}

/**
 * Import it in a testing module beside the application: its `SmooConfigModule` then reads these values from memory, through
 * the real validation and evaluation, and connects to no server.
 *
 * @example
 * Test.createTestingModule({ imports: [AppModule, SmooConfigTestingModule.forRoot({ flags: { newCheckout: true } })] })
 */
@Module({})
// biome-ignore lint/complexity/noStaticOnlyClass: a Nest module is a class
export class SmooConfigTestingModule {
  static forRoot<Config extends AnyConfig = RegisteredConfig>(
    options: TestValues<Config> & TestingOptions = {},
  ): DynamicModule {
    const { name = DEFAULT_NAME, ...values } = options;
    const useValue: TestValuesSource = {
      clientFor: (config) =>
        createTestClient({ config, ...(values as TestValues<AnyConfig>) }) as ConfigClient<AnyConfig>,
    };
    return {
      module: SmooConfigTestingModule,
      providers: [
        { provide: testValuesToken(name), useValue },
        { provide: TEST_REGISTRATION, useValue: name },
      ],
    };
  }
}

/** Overrides of one test. Each call adds one; {@link restore}, or the end of a block with `using`, ends them all. */
export class ConfigOverrides<Config extends AnyConfig = RegisteredConfig> implements Disposable {
  readonly #client: TestClient<Config>;
  readonly #overrides: Disposable[] = [];

  constructor(client: TestClient<Config>) {
    this.#client = client;
  }

  /** Overrides a flag: a value, or a targeted value (`{ $cohort }`). */
  flag<Key extends keyof NonNullable<TestValues<Config>['flags']>>(
    key: Key,
    value: NonNullable<TestValues<Config>['flags']>[Key],
  ): this {
    return this.#add({ flags: { [key]: value } } as TestValues<Config>);
  }

  /** Overrides a limit: a number, or a targeted one. */
  limit<Key extends keyof NonNullable<TestValues<Config>['limits']>>(
    key: Key,
    value: NonNullable<TestValues<Config>['limits']>[Key],
  ): this {
    return this.#add({ limits: { [key]: value } } as TestValues<Config>);
  }

  /** Overrides a public value. */
  public<Key extends keyof NonNullable<TestValues<Config>['public']>>(
    key: Key,
    value: NonNullable<TestValues<Config>['public']>[Key],
  ): this {
    return this.#add({ public: { [key]: value } } as TestValues<Config>);
  }

  /** Overrides a secret, as a rotation does. */
  secret<Key extends keyof NonNullable<TestValues<Config>['secrets']>>(
    key: Key,
    value: NonNullable<TestValues<Config>['secrets']>[Key],
  ): this {
    return this.#add({ secrets: { [key]: value } } as TestValues<Config>);
  }

  /** Ends the overrides; the values of the testing module apply again. */
  restore(): void {
    for (const override of this.#overrides.splice(0)) override[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.restore();
  }

  #add(values: TestValues<Config>): this {
    try {
      this.#overrides.push(this.#client.override(values));
    } catch (error) {
      // The caller has no object to restore yet, and the earlier overrides would stay for the next tests.
      this.restore();
      throw error;
    }
    return this;
  }
}

/**
 * Overrides values of an application for one test.
 *
 * @throws {OptionsError} if the application has no test client.
 * @example
 * using _ = overrideConfig(app).flag('newCheckout', true);
 */
export function overrideConfig<Config extends AnyConfig = RegisteredConfig>(
  app: INestApplicationContext,
  { name = DEFAULT_NAME }: TestingOptions = {},
): ConfigOverrides<Config> {
  const client = app.get<ConfigClient<Config>>(getConfigClientToken(name), { strict: false });
  if (!('override' in client)) {
    throw new OptionsError(
      'app',
      'overrideConfig: the application has no test client. Import SmooConfigTestingModule in the testing module.',
    );
  }
  return new ConfigOverrides(client as unknown as TestClient<Config>);
}
