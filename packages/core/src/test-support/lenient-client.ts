import { ConfigClient } from '../client/config-client.ts';
import type { AnyConfig } from '../schema/config-types.ts';
import { MemorySource, type TestValues } from '../sources/memory-source.ts';

/** A client in memory that takes values which its schema rejects, as a server can send them. */
export class LenientClient<Config extends AnyConfig> extends ConfigClient<Config> {
  readonly #source: MemorySource;

  constructor(options: { config: Config } & TestValues<Config>) {
    const source = new MemorySource(options);
    super({ config: options.config, source, overrides: false });
    this.#source = source;
    // It starts synchronously, so reads work at once.
    this.ready().catch(() => undefined);
  }

  set(values: TestValues<Config>): void {
    this.#source.set(values);
  }
}

export function createLenientClient<Config extends AnyConfig>(
  options: { config: Config } & TestValues<Config>,
): LenientClient<Config> {
  return new LenientClient(options);
}
