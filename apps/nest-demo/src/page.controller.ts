import { Controller, Get, Header, Req } from '@nestjs/common';
import type { ConfigClient } from '@smooai/config/server';
import { InjectConfigClient } from '@smooai/config-nestjs';
import { renderPage } from './page/render-page.ts';
import { contextOf, type VisitorRequest, visitorOf } from './visitor.ts';

/** Serves a page with the API's current values. */
@Controller()
export class PageController {
  readonly #config: ConfigClient;

  constructor(@InjectConfigClient() config: ConfigClient) {
    this.#config = config;
  }

  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Cache-Control', 'no-store')
  page(@Req() request: VisitorRequest): string {
    const visitor = visitorOf(request);
    return renderPage({ snapshot: this.#config.snapshot(contextOf(visitor)), visitor });
  }
}
