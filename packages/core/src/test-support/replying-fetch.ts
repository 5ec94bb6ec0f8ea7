/**
 * A response by its status or body, a request that hangs, or a stream that stays open, with a comment or without. These end
 * when they are aborted.
 */
export type Reply = number | 'hangs' | 'streams' | 'is silent' | object;

/** The replies by endpoint, which is the last part of the path; all others get 404. They may change at any time. */
export type Replies = Record<string, Reply>;

/** A `fetch` without a network, so that all timers of a test are those of the code under test. */
export function replyingFetch(replies: Replies): {
  fetch: typeof globalThis.fetch;
  /** The endpoint of each request so far. */
  sent: string[];
  /** The requests and streams that have not ended. */
  open: Set<string>;
} {
  const sent: string[] = [];
  const open = new Set<string>();
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    const endpoint = pathname.slice(pathname.lastIndexOf('/'));
    const reply = replies[endpoint] ?? 404;
    sent.push(endpoint);
    if (reply instanceof Response) return reply.clone();
    if (typeof reply === 'number') return Response.json({}, { status: reply });
    if (typeof reply === 'object') return Response.json(reply);
    open.add(endpoint);
    const ended = new Promise<never>((_, reject) => {
      init?.signal?.addEventListener('abort', () => {
        open.delete(endpoint);
        reject(new DOMException('aborted', 'AbortError'));
      });
    });
    return reply === 'hangs' ? ended : openStream(reply === 'streams' ? ': hi\n\n' : '', ended);
  };
  return { fetch, sent, open };
}

/** A stream that begins with a text, and fails with `ended`. */
function openStream(text: string, ended: Promise<never>): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      if (text !== '') controller.enqueue(new TextEncoder().encode(text));
      ended.catch((error: unknown) => controller.error(error));
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}
