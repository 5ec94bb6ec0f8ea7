import { parseJson } from '../lib/json.ts';
import type { SnapshotRefusal } from './snapshot-store.ts';

/** Called once a stream has ended: with the reason of a refusal, or with the time that the server asks to wait. */
export type StreamEnd = (source: EventSource, refusal?: SnapshotRefusal, retryAfterMs?: number) => void;

/** Errors that pass by themselves, and the content type of a stream: the server accepts the request by now. */
const PASSES = /^(408|429|5|text\/event-stream)/;

/**
 * Opens a stream of server-sent events. `onEvent` gets the data of each; undefined for one without valid JSON, such as
 * a ping. `EventSource` hides why a server refuses it, so `fetch` asks once more.
 *
 * @throws {Error} if the URL is not valid or the browser does not have `EventSource`, as jsdom.
 */
export function openStream(url: string, onEvent: (data: unknown) => void, onEnd: StreamEnd): EventSource {
  const source = new EventSource(url);
  for (const type of ['snapshot', 'patch', 'ping']) {
    source.addEventListener(type, ({ data }) => onEvent(parseJson(data)));
  }
  source.onerror = async () => {
    let refusal: SnapshotRefusal | undefined;
    let retryAfterMs: number | undefined;
    // Not after a lost connection, which the browser would open again by itself.
    if (source.readyState) {
      // Chromium cancels the stream of a page that is left right before `pagehide`. No timer runs after that.
      await new Promise((resolve) => setTimeout(resolve));
      try {
        const response = await fetch(url, { cache: 'no-store', signal: AbortSignal.timeout(10_000) });
        const { status, ok, headers } = response;
        retryAfterMs = Number(headers.get('retry-after')) * 1000;
        const passes = PASSES.test(`${ok ? headers.get('content-type') : status}`);
        // An unread body holds a connection of the browser, and a stream one of the server's limit.
        const error = ok || passes ? await response.body?.cancel() : parseJson(await response.text());
        // What another server sends may not be an error of this one.
        const { message = 'No event stream.', cause } = Object(error);
        if (!passes) refusal = { status, message: [message, cause].join(' ').trim() };
      } catch {
        // The server cannot be reached.
      }
    }
    onEnd(source, refusal, retryAfterMs);
  };
  return source;
}
