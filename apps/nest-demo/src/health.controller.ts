import { Controller, Get, Header } from '@nestjs/common';
import type { ConfigClient } from '@smooai/config/server';
import { InjectConfigClient } from '@smooai/config-nestjs';

/** Returns the health of the process and the age of its configuration. */
@Controller('healthz')
export class HealthController {
  readonly #config: ConfigClient;

  constructor(@InjectConfigClient() config: ConfigClient) {
    this.#config = config;
  }

  @Get()
  @Header('Cache-Control', 'no-store')
  health(): { status: 'ok'; config: Record<string, unknown> } {
    const { status, transport, revision, ageMs } = this.#config.health();
    return { status: 'ok', config: { status, transport, revision, ageMs } };
  }
}
