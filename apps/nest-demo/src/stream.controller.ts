import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { type BeforeApplicationShutdown, Controller, Get, Req, Res } from '@nestjs/common';
import { type ConfigClient, createSnapshotEventStream } from '@smooai/config/server';
import { InjectConfigClient } from '@smooai/config-nestjs';
import { contextOf, type VisitorRequest, visitorOf } from './visitor.ts';

/** Streams a visitor's values as server-sent events: first `snapshot`, then a `patch` with each change. */
@Controller('config/stream')
export class StreamController implements BeforeApplicationShutdown {
  readonly #config: ConfigClient;
  readonly #shutdown = new AbortController();

  constructor(@InjectConfigClient() config: ConfigClient) {
    this.#config = config;
  }

  @Get()
  stream(@Req() request: VisitorRequest, @Res() response: ServerResponse): void {
    const closed = new AbortController();
    response.on('close', () => closed.abort());
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      // Stops nginx from buffering the events.
      'X-Accel-Buffering': 'no',
    });
    const events = createSnapshotEventStream(this.#config, contextOf(visitorOf(request)), {
      signal: AbortSignal.any([closed.signal, this.#shutdown.signal]),
    });
    Readable.fromWeb(events as ReadableStream<Uint8Array>)
      .on('error', () => response.destroy())
      .pipe(response);
  }

  /** Ends the open streams, because the server waits for every response before it closes. */
  beforeApplicationShutdown(): void {
    this.#shutdown.abort();
  }
}
