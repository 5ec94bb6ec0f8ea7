import { createHmac } from 'node:crypto';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { checkSignature, isSameText, signatureHeaders } from './signature.ts';

const secret = 'a-secret-of-the-tests';
const body = '{"keys":["theme"]}';
const now = () => String(Math.floor(Date.now() / 1000));

/** The signature of a sender that follows the specification of Standard Webhooks, with Node's own functions. */
function macOf(id: string | null, timestamp: string): string {
  return createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64');
}

function check(id: string | null, timestamp: string, signature = `v1,${macOf(id, timestamp)}`) {
  const headers = new Headers({ 'webhook-timestamp': timestamp, 'webhook-signature': signature });
  if (id !== null) headers.set('webhook-id', id);
  return checkSignature(headers, secret, body);
}

describe('signatureHeaders', () => {
  it('signs id, timestamp and body, with another id each time', async () => {
    const headers = await signatureHeaders(secret, body);
    const { 'webhook-id': id = '', 'webhook-timestamp': timestamp = '' } = headers;
    expect(id).toMatch(/^msg_[\da-f-]{36}$/);
    expect(headers).toEqual({
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${macOf(id, timestamp)}`,
    });
    expect(await checkSignature(new Headers(headers), secret, body)).toBe('valid');
    expect((await signatureHeaders(secret, body))['webhook-id']).not.toBe(id);
  });
});

describe('checkSignature', () => {
  it('is missing only without the signature itself', async () => {
    expect(await checkSignature(new Headers({ 'webhook-id': 'm' }), secret, body)).toBe('missing');
    expect(await check('m', now(), '')).toBe('invalid');
  });

  it.each([null, ''])('is invalid for the id %j, also if that was signed', async (id) => {
    expect(await check(id, now())).toBe('invalid');
  });

  it.each(['', 'now', 'NaN', '-1', '1.5', '1e9', '0x7fffffff', '1'.repeat(13)])(
    'is invalid for the timestamp %j, also if that was signed',
    async (timestamp) => {
      expect(await check('m', timestamp)).toBe('invalid');
    },
  );

  it('accepts five minutes in both directions, and no more', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_800_000_000_000 });
    onTestFinished(() => void vi.useRealTimers());
    const results = await Promise.all(
      [-301, -300, 0, 300, 301].map((offsetS) => check('m', String(1_800_000_000 + offsetS))),
    );
    expect(results).toEqual(['expired', 'valid', 'valid', 'valid', 'expired']);
  });

  it('says that a signature is too old only if it is a right one', async () => {
    expect(await check('m', '1', 'v1,AAAA')).toBe('invalid');
    expect(await check('m', '1')).toBe('expired');
  });

  it('takes one of the first ten signatures of version 1', async () => {
    const timestamp = now();
    const right = `v1,${macOf('m', timestamp)}`;
    const wrong = (count: number): string[] => Array.from({ length: count }, () => 'v1,AAAA');
    const checkList = (list: string[]) => check('m', timestamp, list.join(' '));
    expect(await checkList([right, ...wrong(5)])).toBe('valid');
    expect(await checkList([...wrong(9), right])).toBe('valid');
    expect(await checkList([...wrong(10), right])).toBe('invalid');
    expect(await checkList([right.replace('v1,', 'v2,')])).toBe('invalid');
    expect(await checkList([right.replace('v1,', 'v1')])).toBe('invalid');
  });
});

it('isSameText compares whole texts', async () => {
  const pairs = [
    ['', ''],
    [secret, secret],
    ['é', 'é'],
    [secret, `${secret}x`],
    [secret, secret.slice(1)],
    [secret, secret.toUpperCase()],
    ['', secret],
  ] as const;
  const results = await Promise.all(pairs.map(([one, other]) => isSameText(one, other)));
  expect(results).toEqual([true, true, true, false, false, false, false]);
});
