import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { type BeforeApplicationShutdown, Controller, Get, Req, Res } from '@nestjs/common';
import { type ConfigClient, createSnapshotEventStream } from '@smooai/config/server';
import { InjectConfigClient } from '@smooai/config-nestjs';
import { contextOf, type VisitorRequest, visitorOf } from './visitor.ts';

/** What a visitor sees, live, as server-sent events: `snapshot`, then `patch` with only what changed for them. */
@Controller('config/stream')
export class StreamController implements BeforeApplicationShutdown {
  readonly #config: ConfigClient;
  readonly #closing = new AbortController();

  constructor(@InjectConfigClient() config: ConfigClient) {
    this.#config = config;
  }

  @Get()
  stream(@Req() request: VisitorRequest, @Res() response: ServerResponse): void {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      // A proxy that buffers would hold the events back.
      'X-Accel-Buffering': 'no',
    });
    const events = createSnapshotEventStream(this.#config, contextOf(visitorOf(request)), {
      signal: AbortSignal.any([gone.signal, this.#closing.signal]),
    });
    Readable.fromWeb(events as ReadableStream<Uint8Array>)
      .on('error', () => response.destroy())
      .pipe(response);
  }

  /** Ends open streams: the server waits for every answer before it closes. */
  beforeApplicationShutdown(): void {
    this.#closing.abort();
  }
}
