import type { AnyConfig } from '@smooai/config';
import type { ConfigClient } from '@smooai/config/server';

/** What a health check of `@nestjs/terminus` expects. */
export type ConfigHealthResult<Name extends string> = Record<
  Name,
  { status: 'up' | 'down'; state: string; revision?: string; ageMs?: number }
>;

/**
 * Health indicator for `@nestjs/terminus`, and for any other check that calls it.
 *
 * @example
 * this.health.check([() => this.config.isHealthy('config')]);
 */
export class SmooConfigHealthIndicator {
  // Not #private: NestFactory can wrap instances in a proxy.
  private readonly client: ConfigClient<AnyConfig>;

  constructor(client: ConfigClient<AnyConfig>) {
    this.client = client;
  }

  /**
   * Up while the values can be trusted: live, or the last good ones of a server that cannot be reached. With `live: true`,
   * only while they are live. Contains no values.
   */
  isHealthy<Name extends string = 'config'>(
    name: Name = 'config' as Name,
    { live = false }: { live?: boolean } = {},
  ): ConfigHealthResult<Name> {
    const { status, revision, ageMs } = this.client.health();
    const isUp = status === 'ready' || (status === 'stale' && !live);
    const result = {
      status: isUp ? ('up' as const) : ('down' as const),
      state: status,
      ...(revision !== undefined && { revision }),
      ...(ageMs !== undefined && { ageMs }),
    };
    return { [name]: result } as ConfigHealthResult<Name>;
  }
}
