import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startReceiver } from '../test-support/webhook-receiver.ts';
import { resolveWebhooks } from './webhook-options.ts';
import { WebhookSender, type WebhookTiming } from './webhook-sender.ts';

const secret = 'a-secret-of-the-tests';
/** Short waits, and no end of the attempts. */
const fast = { timeoutMs: 60_000, backoff: { baseMs: 1, capMs: 5 }, retryForMs: 3_600_000 };

function senderTo(url: string, timing: Partial<WebhookTiming> | 'default' = {}) {
  const logged: { level: string; message: string; reason?: string; retryInMs?: number }[] = [];
  const log = (level: string) => (fields: object, message: string) =>
    void logged.push({ level, message, ...fields });
  const [target] = resolveWebhooks([{ url, secret }]);
  if (target === undefined) throw new Error('The target is missing.');
  const logger = { warn: log('warn'), error: log('error') } as never;
  const sender = new WebhookSender(target, logger, ...(timing === 'default' ? [] : [{ ...fast, ...timing }]));
  onTestFinished(() => sender.close(AbortSignal.abort()));
  return { sender, logged };
}

const change = (revision: number, ...keys: string[]) => ({
  environment: 'production',
  revision: String(revision),
  keys: new Set(keys),
});

describe('a webhook', () => {
  it('is sent again with the same id after a failure that can pass', async () => {
    const responses = [{ status: 503 }, { status: 429 }, { status: 408 }, { status: 500 }];
    const receiver = await startReceiver(secret, { responses });
    const { sender, logged } = senderTo(receiver.url);
    sender.send(change(1, 'theme'));
    await expect.poll(() => receiver.received.length).toBe(5);
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(1);
    expect(receiver.received.every(({ isSigned }) => isSigned)).toBe(true);
    expect(logged.map(({ level, reason }) => `${level} ${reason}`)).toEqual([
      'warn status 503',
      'warn status 429',
      'warn status 408',
      'warn status 500',
    ]);
  });

  it('waits at least as long as Retry-After says', async () => {
    const responses = [{ status: 503, headers: { 'retry-after': '3' } }];
    const receiver = await startReceiver(secret, { responses });
    const { sender, logged } = senderTo(receiver.url);
    sender.send(change(1, 'theme'));
    await expect.poll(() => logged.length).toBe(1);
    expect(logged[0]?.retryInMs).toBe(3_000);
    await sender.close(new AbortController().signal);
    expect(receiver.received).toHaveLength(2);
  });

  it.each([
    [400, 'status 400'],
    [403, 'status 403'],
    [307, 'status 307: redirects are not followed'],
  ])('is dropped after the status %d, and the next one is sent', async (status, reason) => {
    const other = await startReceiver(secret);
    const receiver = await startReceiver(secret, {
      responses: [{ status, headers: { location: other.url } }],
    });
    const { sender, logged } = senderTo(receiver.url);
    sender.send(change(1, 'theme'));
    await expect.poll(() => logged).toMatchObject([{ level: 'error', reason }]);
    sender.send(change(2, 'cartItems'));
    await expect.poll(() => receiver.keysOf('production')).toEqual([['theme'], ['cartItems']]);
    expect(other.received).toEqual([]);
  });

  it('contains the changes of the meantime, with another id', async () => {
    const responses = [{ status: 503, headers: { 'retry-after': '3600' } }];
    const receiver = await startReceiver(secret, { responses });
    const { sender, logged } = senderTo(receiver.url);
    sender.send(change(1, 'theme'));
    await expect.poll(() => logged.length).toBe(1);
    sender.send(change(2, 'cartItems'));
    sender.send({ ...change(3, 'theme'), environment: 'staging' });
    sender.send(change(4, 'banner'));
    await sender.close(new AbortController().signal);
    expect(receiver.keysOf('production')).toEqual([['theme'], ['banner', 'cartItems', 'theme']]);
    expect(receiver.keysOf('staging')).toEqual([['theme']]);
    expect(receiver.received.at(-2)?.body.revision).toBe('4');
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(3);
  });

  it('that fails is sent with a change that came during its request, under the revision of that change', async () => {
    const later = () => {
      sender.send(change(2, 'cartItems'));
    };
    const receiver = await startReceiver(secret, { responses: [{ status: 503, before: later }] });
    const { sender } = senderTo(receiver.url);
    sender.send(change(1, 'theme'));
    await expect.poll(() => receiver.keysOf('production')).toEqual([['theme'], ['cartItems', 'theme']]);
    expect(receiver.received.map(({ body }) => body.revision)).toEqual(['1', '2']);
  });

  it('that failed for too long is sent with the next change', async () => {
    const receiver = await startReceiver(secret, { responses: [{ status: 503 }] });
    const { sender, logged } = senderTo(receiver.url, { retryForMs: -1 });
    sender.send(change(1, 'theme'));
    await expect.poll(() => logged).toMatchObject([{ level: 'error', reason: 'status 503' }]);
    expect(receiver.received).toHaveLength(1);
    sender.send(change(2, 'cartItems'));
    await expect.poll(() => receiver.keysOf('production')).toEqual([['theme'], ['cartItems', 'theme']]);
  });

  it('has a time-out for each attempt', async () => {
    const receiver = await startReceiver(secret, { silent: true });
    const { sender, logged } = senderTo(receiver.url, { timeoutMs: 50 });
    sender.send(change(1, 'theme'));
    await expect.poll(() => logged[1]).toMatchObject({ level: 'warn', reason: 'time-out' });
  });

  it('is given up when the server closes and the receiver does not respond', async () => {
    const receiver = await startReceiver(secret, { silent: true });
    const { sender, logged } = senderTo(receiver.url);
    sender.send(change(1, 'theme'));
    await expect.poll(() => receiver.received.length).toBe(1);
    await sender.close(AbortSignal.timeout(50));
    expect(logged).toMatchObject([{ level: 'error', message: 'a webhook was not delivered' }]);
  });

  it('that fails is logged without the secret, and without the path and query of the URL', async () => {
    const { sender, logged } = senderTo('http://127.0.0.1:9/path-token?token=of-the-url');
    sender.send(change(1, 'theme'));
    await expect.poll(() => logged.length).toBeGreaterThan(0);
    expect(logged[0]).toMatchObject({ webhook: 'http://127.0.0.1:9', environment: 'production' });
    expect(JSON.stringify(logged)).not.toMatch(/a-secret|token/);
  });
});

describe('by default, a webhook', () => {
  it('has 10 s for a response, waits a second or more, and fails for good after 15 minutes', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const timeouts = vi.spyOn(AbortSignal, 'timeout');
    const now = performance.now.bind(performance);
    let laterMs = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now() + laterMs);
    onTestFinished(() => void vi.restoreAllMocks());
    const unavailable = (afterMs: number) => ({
      status: 503,
      before: () => {
        laterMs += afterMs;
      },
    });
    const responses = [unavailable(0), unavailable(10 * 60_000), unavailable(10 * 60_000)];
    const receiver = await startReceiver(secret, { responses });
    const { sender, logged } = senderTo(receiver.url, 'default');
    sender.send(change(1, 'theme'));
    await expect.poll(() => logged.map(({ retryInMs }) => retryInMs)).toEqual([1_000, 1_000, undefined]);
    expect(new Set(timeouts.mock.calls.flat())).toEqual(new Set([10_000]));
  });

  it('waits an hour at most, even if Retry-After is a day', async () => {
    const responses = [{ status: 503, headers: { 'retry-after': '86400' } }];
    const receiver = await startReceiver(secret, { responses });
    const { sender, logged } = senderTo(receiver.url, 'default');
    sender.send(change(1, 'theme'));
    await expect.poll(() => logged.map(({ retryInMs }) => retryInMs)).toEqual([3_600_000]);
  });
});
