import { Controller, Get, Inject } from '@nestjs/common';
import { HealthCheck, type HealthCheckResult, HealthCheckService } from '@nestjs/terminus';
import { SmooConfigHealthIndicator } from '@smooai/config-nestjs';

/** Returns the health of the process: 503 while its configuration cannot be trusted. */
@Controller('healthz')
export class HealthController {
  readonly #health: HealthCheckService;
  readonly #config: SmooConfigHealthIndicator;

  constructor(
    @Inject(HealthCheckService) health: HealthCheckService,
    @Inject(SmooConfigHealthIndicator) config: SmooConfigHealthIndicator,
  ) {
    this.#health = health;
    this.#config = config;
  }

  @Get()
  @HealthCheck()
  check(): Promise<HealthCheckResult> {
    return this.#health.check([() => this.#config.isHealthy('config')]);
  }
}
