/** What {@link readBody} read, or why it could not. */
export type RequestBody = { text: string } | { fault: 'too large' | 'incomplete' };

/**
 * Reads the text of a body, whatever its headers say about its length. It stops when there are more than `maxBytes`, and
 * is incomplete if the sender disconnects or needs longer than `timeoutMs`.
 */
export async function readBody(
  request: Request,
  { maxBytes, timeoutMs }: { maxBytes: number; timeoutMs: number },
): Promise<RequestBody> {
  const reader = request.body?.getReader();
  if (reader === undefined) return { text: '' };
  // Not awaited: a sender that hangs can delay the end of its stream too.
  const stop = (): void => void reader.cancel().catch(() => undefined);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    stop();
  }, timeoutMs);
  const decoder = new TextDecoder();
  let [text, bytes] = ['', 0];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (isLate) return { fault: 'incomplete' };
      if (done) return { text: text + decoder.decode() };
      bytes += value.byteLength;
      if (bytes > maxBytes) {
        stop();
        return { fault: 'too large' };
      }
      text += decoder.decode(value, { stream: true });
    }
  } catch {
    return { fault: 'incomplete' };
  } finally {
    clearTimeout(timer);
  }
}
