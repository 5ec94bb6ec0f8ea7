import { describe, expect, it, vi } from 'vitest';
import { type HttpAttempt, openAttempt, sendAttempt } from './http-attempt.ts';

const attempt: HttpAttempt = {
  url: 'http://config.test/',
  method: 'GET',
  headers: {},
  timeoutMs: 60_000,
  maxBytes: 10,
};

/** A response whose body starts with a text and does not end by itself, and the spy for its cancellation. */
function endless(text: string, status = 200) {
  const cancel = vi.fn();
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode(text)),
    cancel,
  });
  return { fetch: async () => new Response(body, { status }), cancel };
}

/** Without it, the socket stays open and goes on receiving. */
describe('a body that is not read to its end is cancelled', () => {
  it.each([200, 500])('if it is too large, with status %i', async (status) => {
    const { fetch, cancel } = endless('eleven bytes', status);
    expect(await sendAttempt(fetch, attempt)).toMatchObject({ status, text: undefined });
    expect(cancel).toHaveBeenCalledTimes(1);
  });

  it('if it is too large, in place of a stream', async () => {
    const { fetch, cancel } = endless('eleven bytes', 500);
    const response = await openAttempt(fetch, attempt, () => new Error('never'));
    expect(response).toMatchObject({ status: 500, text: undefined });
    expect(cancel).toHaveBeenCalledTimes(1);
  });

  it('if the time is up', async () => {
    const { fetch, cancel } = endless('ten');
    const failure = sendAttempt(fetch, { ...attempt, timeoutMs: 20 });
    await expect(failure).rejects.toMatchObject({ kind: 'timeout' });
    expect(cancel).toHaveBeenCalledTimes(1);
  });

  it('if the time is up, and the status says enough', async () => {
    const { fetch, cancel } = endless('ten', 503);
    expect(await sendAttempt(fetch, { ...attempt, timeoutMs: 20 })).toMatchObject({ status: 503, text: '' });
    expect(cancel).toHaveBeenCalledTimes(1);
  });

  it('if the caller aborts', async () => {
    const { fetch, cancel } = endless('ten');
    const abort = new AbortController();
    const failure = sendAttempt(fetch, { ...attempt, signal: abort.signal });
    setTimeout(() => abort.abort(), 5);
    await expect(failure).rejects.toMatchObject({ kind: 'aborted' });
    expect(cancel).toHaveBeenCalledTimes(1);
  });

  it('if it is not made of bytes', async () => {
    const cancel = vi.fn();
    const body = new ReadableStream({ start: (controller) => controller.enqueue('text'), cancel });
    const fetch = async () => Object.defineProperty(new Response(), 'body', { value: body });
    await expect(sendAttempt(fetch, attempt)).rejects.toMatchObject({ kind: 'network' });
    expect(cancel).toHaveBeenCalledTimes(1);
  });
});

it('a body of exactly the limit is read', async () => {
  const fetch = async () => new Response('ten bytes!');
  expect(await sendAttempt(fetch, attempt)).toMatchObject({ status: 200, text: 'ten bytes!' });
});
