import { onAbort } from '../http/on-abort.ts';
import { compareRevisions } from '../ruleset/ruleset-order.ts';
import type { AnyConfig, ConfigContext, RegisteredConfig } from '../schema/config-types.ts';
import { diffSnapshots } from '../snapshot/snapshot-diff.ts';
import type { Snapshot } from '../wire.ts';
import type { ConfigClient } from './config-client.ts';

/** Options of {@link createSnapshotEventStream}. */
export interface SnapshotEventStreamOptions {
  /** Ends the stream, as when the request that asked for it goes away. */
  signal?: AbortSignal;
  /** Milliseconds between two comments that keep the connection open; default 15 000. */
  heartbeatMs?: number;
  /** Called once when the stream is over, for whatever reason. */
  onEnd?: () => void;
}

/** The part of a client that a stream reads; its `config` tells the type of contexts. */
export type SnapshotEventClient<C extends AnyConfig = RegisteredConfig> = Pick<
  ConfigClient<C>,
  'config' | 'snapshot' | 'subscribe' | 'onClose'
>;

/** Events that may wait for the reader; what happens after that is told as one patch when it reads again. */
const QUEUED_EVENTS = 8;
const DEFAULT_HEARTBEAT_MS = 15_000;

/**
 * Server-sent events of one context's snapshot, in UTF-8: first `snapshot`, then a `patch` whenever a change of the
 * client alters what that context sees. It ends when the signal aborts, the reader cancels or the client closes.
 * A reader that falls behind costs no more memory than a few events: it gets the changes it missed as one patch.
 *
 * @throws what `client.snapshot` throws, such as NotReadyError before `ready()` is done.
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
  #behind = false;
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
    // A client that is closed already has just ended the stream.
    if (this.#controller === undefined) return;
    const snapshot = this.#firstSnapshot();
    this.#send('snapshot', snapshot.revision, snapshot);
    this.#sent = snapshot;
    this.#releases.push(this.#client.subscribe(() => this.#changed()));
    if (this.#signal) this.#releases.push(onAbort(this.#signal, this.#end));
    this.#heartbeat = setInterval(() => this.#comment(), this.#heartbeatMs);
    // An open page must not keep a process alive that wants to end.
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

  /** The reader has room again: tell it what it missed. */
  catchUp(): void {
    if (!this.#behind) return;
    this.#behind = false;
    this.#sendPatch();
  }

  /** Lets go of the client; safe to call again. */
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
    else this.#behind = true;
  }

  #sendPatch(): void {
    const previous = this.#sent;
    if (previous === undefined) return;
    const next = this.#client.snapshot(this.#context);
    this.#sent = next;
    // Another history of the values may count from below; a reader would take its patches for old ones.
    if (compareRevisions(next.revision, previous.revision) < 0) {
      this.#send('snapshot', next.revision, next);
      return;
    }
    const patch = diffSnapshots(previous, next);
    if (patch !== undefined) this.#send('patch', patch.revision, patch);
  }

  #comment(): void {
    // A reader with a full queue has bytes to read, so it needs no sign of life.
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
