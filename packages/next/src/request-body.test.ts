import { expect, it } from 'vitest';
import { readBody } from './request-body.ts';

const limits = { maxBytes: 10, timeoutMs: 60_000 };

function posted(body: BodyInit | UnderlyingDefaultSource<Uint8Array>): Request {
  const isSource = typeof body === 'object' && !(body instanceof Uint8Array);
  const stream = isSource
    ? new ReadableStream(body as UnderlyingDefaultSource<Uint8Array>)
    : (body as BodyInit);
  return new Request('https://shop.example/', {
    method: 'POST',
    body: stream,
    duplex: 'half',
  } as RequestInit);
}

it('reads the text of a body, and none of a request without a body', async () => {
  expect(await readBody(posted('0123456789'), limits)).toEqual({ text: '0123456789' });
  expect(await readBody(new Request('https://shop.example/'), limits)).toEqual({ text: '' });
});

it('reads a letter whose bytes arrive apart', async () => {
  const bytes = new TextEncoder().encode('ß');
  const source = {
    start(controller: ReadableStreamDefaultController<Uint8Array>) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  };
  expect(await readBody(posted(source), limits)).toEqual({ text: 'ß' });
});

it('stops an endless body, also if its stream never ends', async () => {
  let sent = 0;
  const source = {
    pull(controller: ReadableStreamDefaultController<Uint8Array>) {
      sent++;
      controller.enqueue(new Uint8Array(4));
    },
    cancel: () => new Promise<void>(() => undefined),
  };
  expect(await readBody(posted(source), limits)).toEqual({ fault: 'too large' });
  expect(sent).toBeLessThan(6);
});

it.each([
  ['hangs', { pull: () => new Promise<void>(() => undefined) }],
  ['hangs when it is cancelled too', { pull: never, cancel: never }],
  ['fails when it is cancelled', { pull: never, cancel: () => Promise.reject(new Error('gone')) }],
])('a body that %s is incomplete', async (_, source) => {
  expect(await readBody(posted(source), { ...limits, timeoutMs: 5 })).toEqual({ fault: 'incomplete' });
});

it('a body whose sender disconnects is incomplete', async () => {
  const source = { pull: () => Promise.reject(new Error('aborted')) };
  expect(await readBody(posted(source), limits)).toEqual({ fault: 'incomplete' });
});

function never(): Promise<void> {
  return new Promise(() => undefined);
}
