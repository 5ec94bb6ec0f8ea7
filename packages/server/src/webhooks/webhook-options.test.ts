import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { resolveWebhooks, type WebhookOptions } from './webhook-options.ts';
import { signatureHeaders } from './webhook-signature.ts';

const secret = 'a-secret-of-the-tests';
const resolve = (fields: Partial<WebhookOptions>) =>
  resolveWebhooks([{ url: 'https://shop.example/hook', secret, ...fields }]);

describe('the options of a webhook', () => {
  it.each([
    'https://shop.example/hook',
    'http://127.0.0.1:3000',
    'http://[::1]:3000',
    'http://localhost:3000',
  ])('allow %s', (url) => {
    expect(resolve({ url })[0]?.url.href).toBe(new URL(url).href);
  });

  it('allow http to another machine on request', () => {
    expect(resolve({ url: 'http://shop.internal/hook', allowHttp: true })).toHaveLength(1);
  });

  it.each<[string, Partial<WebhookOptions>, RegExp]>([
    [
      'http to another machine',
      { url: 'http://shop.example' },
      /webhooks\[0\]\.url must be https.*allowHttp/,
    ],
    ['a name that only starts like this machine', { url: 'http://localhost.example' }, /url must be https/],
    ['another protocol', { url: 'ftp://127.0.0.1' }, /url must be an https URL/],
    ['what is not a URL', { url: 'shop.example' }, /url must be an https URL/],
    [
      'a password',
      { url: 'https://user:hidden@shop.example' },
      /url must not contain a user name or password/,
    ],
    ['a short secret', { secret: 'hidden' }, /secret must have at least 16 characters/],
    ['a missing secret', { secret: undefined as never }, /secret must have at least 16 characters/],
    [
      'a malformed key',
      { secret: 'whsec_hidden-hidden' },
      /secret starts with whsec_, but the rest is not base64/,
    ],
    ['no environments', { environments: [] }, /environments must be a list of names/],
    ['an empty name', { environments: [''] }, /environments must be a list of names/],
  ])('refuse %s', (_, fields, message) => {
    expect(() => resolve(fields)).toThrow(message);
    expect(() => resolve(fields)).toThrow(/^((?!hidden).)*$/);
  });

  it('take the key of a secret with the prefix of Standard Webhooks as base64', () => {
    const key = Buffer.from('24 bytes of random data.');
    const [target] = resolve({ secret: `whsec_${key.toString('base64')}` });
    const headers = signatureHeaders(target?.key ?? Buffer.of(), { id: 'msg_1', body: '{}' });
    const signed = `msg_1.${headers['webhook-timestamp']}.{}`;
    const mac = createHmac('sha256', key).update(signed).digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${mac}`);
  });
});
