import { onAbort } from '../http/on-abort.ts';
import { callGuarded } from '../lib/guarded-call.ts';
import { requireNumber } from '../lib/option-checks.ts';
import type { AnyConfig, ConfigContext, RegisteredConfig } from '../schema/config-types.ts';
import { SnapshotFanOut, type SnapshotReader } from '../snapshot/snapshot-fan-out.ts';
import type { EvaluationContext } from '../wire.ts';
import type { ConfigClient } from './config-client.ts';

export interface SnapshotEventStreamOptions {
  /** Ends the stream. Pass the signal of the request, which aborts when the browser disconnects. */
  signal?: AbortSignal;
  /** Milliseconds between two pings, which keep the connection open and show that it is alive; default 15,000. */
  heartbeatMs?: number;
  /** Called once when the stream has ended, for any reason. An error that it throws is ignored. */
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
/** The longest delay of a timer; a longer one would fire at once, and again and again. */
const MAX_DELAY_MS = 2 ** 31 - 1;
/** In UTF-8, without `TextEncoder`: importing this package uses no global that a runtime may lack. */
const HEARTBEAT = Uint8Array.from(':\nevent: ping\ndata:\n\n', (character) => character.charCodeAt(0));

/**
 * Creates a stream of server-sent events, in UTF-8, for one context: first a `snapshot` event, then a `patch` event
 * after each change that affects the context. The stream ends when the signal aborts, the reader cancels or the
 * client closes. For a slow reader at most eight events are queued; it gets later changes as one patch.
 *
 * Streams of one client share the work of a change: only the changed keys are evaluated, and many streams are served in
 * short turns of the event loop.
 *
 * @throws {OptionsError} for a wrong `heartbeatMs`. Also throws if `client.snapshot` throws.
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
  const { heartbeatMs = DEFAULT_HEARTBEAT_MS } = options;
  requireNumber('heartbeatMs', heartbeatMs, { min: 1, max: MAX_DELAY_MS });
  const session = new SnapshotEventSession(client as SnapshotEventClient<AnyConfig>, context ?? {}, options);
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => session.start(controller),
      pull: () => session.catchUp(),
      cancel: () => session.stop(),
    },
    { highWaterMark: QUEUED_EVENTS },
  );
}

/** Serves all streams of one client. It is subscribed to the client while it has any. */
class ClientFanOut {
  readonly #client: SnapshotEventClient<AnyConfig>;
  readonly #fanOut: SnapshotFanOut;
  #unsubscribe: (() => void) | undefined;

  constructor(client: SnapshotEventClient<AnyConfig>) {
    this.#client = client;
    this.#fanOut = new SnapshotFanOut((context, keys) => client.snapshot(context, keys && { keys }));
  }

  add(reader: SnapshotReader): void {
    this.#fanOut.add(reader);
    this.#unsubscribe ??= this.#client.subscribe(({ keys }) => this.#fanOut.changed(new Set(keys)));
  }

  remove(reader: SnapshotReader): void {
    this.#fanOut.remove(reader);
    if (this.#fanOut.size > 0) return;
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  catchUp(reader: SnapshotReader): void {
    this.#fanOut.catchUp(reader);
  }
}

const fanOuts = new WeakMap<object, ClientFanOut>();

function fanOutOf(client: SnapshotEventClient<AnyConfig>): ClientFanOut {
  const known = fanOuts.get(client) ?? new ClientFanOut(client);
  fanOuts.set(client, known);
  return known;
}

class SnapshotEventSession implements SnapshotReader {
  readonly context: EvaluationContext;
  readonly #client: SnapshotEventClient<AnyConfig>;
  readonly #fanOut: ClientFanOut;
  readonly #options: SnapshotEventStreamOptions;
  readonly #end = (): void => this.end();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #releases: (() => void)[] = [];
  #heartbeat: ReturnType<typeof setInterval> | undefined;

  constructor(
    client: SnapshotEventClient<AnyConfig>,
    context: EvaluationContext,
    options: SnapshotEventStreamOptions,
  ) {
    this.#client = client;
    this.#fanOut = fanOutOf(client);
    this.context = context;
    this.#options = options;
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    const { signal, heartbeatMs = DEFAULT_HEARTBEAT_MS } = this.#options;
    this.#controller = controller;
    if (signal?.aborted === true) {
      this.end();
      return;
    }
    this.#releases.push(this.#client.onClose(this.#end));
    // If the client is already closed, `onClose` has just ended the stream.
    if (this.#controller === undefined) return;
    this.#releases.push(() => this.#fanOut.remove(this));
    try {
      this.#fanOut.add(this);
    } catch (error) {
      this.stop();
      throw error;
    }
    if (signal) this.#releases.push(onAbort(signal, this.#end));
    this.#heartbeat = setInterval(() => this.#sendHeartbeat(), heartbeatMs);
    // An open stream must not keep the process alive.
    this.#heartbeat.unref?.();
  }

  /** The reader has room again. */
  catchUp(): void {
    this.#fanOut.catchUp(this);
  }

  /** Releases the client and the timer. Further calls do nothing. */
  stop(): void {
    if (this.#controller === undefined) return;
    this.#controller = undefined;
    for (const release of this.#releases.splice(0)) release();
    clearInterval(this.#heartbeat);
    // An error in the hook must keep neither this stream open nor others from their changes.
    callGuarded(() => this.#options.onEnd?.());
  }

  end(): void {
    const controller = this.#controller;
    this.stop();
    controller?.close();
  }

  hasRoom(): boolean {
    return (this.#controller?.desiredSize ?? 0) > 0;
  }

  send(event: Uint8Array): void {
    this.#controller?.enqueue(event);
  }

  failed(error: unknown): void {
    const controller = this.#controller;
    this.stop();
    controller?.error(error);
  }

  #sendHeartbeat(): void {
    // A reader with a full queue still has data to read, so it needs no heartbeat.
    if (this.hasRoom()) this.send(HEARTBEAT);
  }
}
