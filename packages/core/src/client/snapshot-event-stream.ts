import { onAbort } from '../http/on-abort.ts';
import { isOlderRevision } from '../lib/revision.ts';
import type { AnyConfig, ConfigContext, RegisteredConfig } from '../schema/config-types.ts';
import { diffSnapshots } from '../snapshot/snapshot-diff.ts';
import type { Snapshot } from '../wire.ts';
import type { ConfigClient } from './config-client.ts';

export interface SnapshotEventStreamOptions {
  /** Ends the stream. Pass the signal of the request, which aborts when the browser disconnects. */
  signal?: AbortSignal;
  /** Milliseconds between two comments that keep the connection open; default 15,000. */
  heartbeatMs?: number;
  /** Called once when the stream has ended, for any reason. */
  onEnd?: () => void;
}

/** The part of a client that {@link createSnapshotEventStream} uses. */
export type SnapshotEventClient<C extends AnyConfig = RegisteredConfig> = Pick<
  ConfigClient<C>,
  'config' | 'snapshot' | 'subscribe' | 'onClose'
>;

/** How many events may wait for the reader. Later changes are sent as one patch once it reads again. */
const QUEUED_EVENTS = 8;
const DEFAULT_HEARTBEAT_MS = 15_000;

/**
 * Creates a stream of server-sent events, in UTF-8, for one context: first a `snapshot` event, then a `patch` event
 * after each change that affects the context. The stream ends when the signal aborts, the reader cancels or the
 * client closes. For a slow reader at most eight events are queued; it gets later changes as one patch.
 *
 * @throws if `client.snapshot` throws.
 * @example
 * new Response(createSnapshotEventStream(client, { userId }, { signal: request.signal }), {
 *   headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' },
 * });
 */
export function createSnapshotEventStream<C extends AnyConfig = RegisteredConfig>(
  client: SnapshotEventClient<C>,
  context?: ConfigContext<C>,
  options: SnapshotEventStreamOptions = {},
): ReadableStream<Uint8Array> {
  const session = new SnapshotEventSession(client, context, options);
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => session.start(controller),
      pull: () => session.catchUp(),
      cancel: () => session.stop(),
    },
    { highWaterMark: QUEUED_EVENTS },
  );
}

class SnapshotEventSession<C extends AnyConfig> {
  readonly #client: SnapshotEventClient<C>;
  readonly #context: ConfigContext<C> | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #heartbeatMs: number;
  readonly #onEnd: (() => void) | undefined;
  readonly #encoder = new TextEncoder();
  readonly #end = (): void => this.end();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #sent: Snapshot | undefined;
  #isBehind = false;
  #releases: (() => void)[] = [];
  #heartbeat: ReturnType<typeof setInterval> | undefined;

  constructor(
    client: SnapshotEventClient<C>,
    context: ConfigContext<C> | undefined,
    options: SnapshotEventStreamOptions,
  ) {
    this.#client = client;
    this.#context = context;
    this.#signal = options.signal;
    this.#heartbeatMs = options.heartbeatMs ?? DEFAULT_HEARTBEAT_MS;
    this.#onEnd = options.onEnd;
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
    if (this.#signal?.aborted === true) {
      this.end();
      return;
    }
    this.#releases.push(this.#client.onClose(this.#end));
    // If the client is already closed, `onClose` has just ended the stream.
    if (this.#controller === undefined) return;
    const snapshot = this.#firstSnapshot();
    this.#send('snapshot', snapshot.revision, snapshot);
    this.#sent = snapshot;
    this.#releases.push(this.#client.subscribe(() => this.#changed()));
    if (this.#signal) this.#releases.push(onAbort(this.#signal, this.#end));
    this.#heartbeat = setInterval(() => this.#comment(), this.#heartbeatMs);
    // An open stream must not keep the process alive.
    this.#heartbeat.unref?.();
  }

  #firstSnapshot(): Snapshot {
    try {
      return this.#client.snapshot(this.#context);
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  /** The reader has room again: sends the changes that it missed. */
  catchUp(): void {
    if (!this.#isBehind) return;
    this.#isBehind = false;
    this.#sendPatch();
  }

  /** Releases the client and the timer. Further calls do nothing. */
  stop(): void {
    if (this.#controller === undefined) return;
    this.#controller = undefined;
    this.#sent = undefined;
    for (const release of this.#releases.splice(0)) release();
    clearInterval(this.#heartbeat);
    this.#onEnd?.();
  }

  end(): void {
    const controller = this.#controller;
    this.stop();
    controller?.close();
  }

  #changed(): void {
    if (this.#hasRoom()) this.#sendPatch();
    else this.#isBehind = true;
  }

  #sendPatch(): void {
    const previous = this.#sent;
    if (previous === undefined) return;
    const next = this.#client.snapshot(this.#context);
    this.#sent = next;
    // The revision went back, since the server's history is another one. A patch would be ignored as outdated.
    if (isOlderRevision(next.revision, previous.revision)) {
      this.#send('snapshot', next.revision, next);
      return;
    }
    const patch = diffSnapshots(previous, next);
    if (patch !== undefined) this.#send('patch', patch.revision, patch);
  }

  #comment(): void {
    // A reader with a full queue still has data to read, so it needs no heartbeat.
    if (this.#hasRoom()) this.#controller?.enqueue(this.#encoder.encode(':\n\n'));
  }

  #send(event: 'snapshot' | 'patch', id: string, data: unknown): void {
    const text = `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    this.#controller?.enqueue(this.#encoder.encode(text));
  }

  #hasRoom(): boolean {
    return (this.#controller?.desiredSize ?? 0) > 0;
  }
}
