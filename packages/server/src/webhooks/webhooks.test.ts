import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ChangeBus } from '../domain/change-bus.ts';
import { startShop } from '../test-support/shop-server.ts';
import { startReceiver } from '../test-support/webhook-receiver.ts';
import { resolveWebhooks } from './webhook-options.ts';
import { Webhooks } from './webhooks.ts';

const secret = 'a-secret-of-the-tests';

/** A shop whose receiver knows that the server has started. */
async function startFollowedShop(environments?: string[]) {
  const receiver = await startReceiver(secret);
  const webhook = { url: receiver.url, secret, ...(environments && { environments }) };
  const shop = await startShop({ webhooks: [webhook] });
  const keysOf = (environment: string) => receiver.keysOf(environment);
  // The start and the schema can be in one request or in two.
  for (const name of Object.keys(shop.environments)) {
    if (environments?.includes(name) === false) continue;
    const { revision } = await shop.ruleset(name);
    const sent = () => receiver.received.filter(({ body }) => body.environment === name);
    await expect.poll(() => sent().at(-1)?.body.revision).toBe(revision);
    expect(sent()[0]?.body).not.toHaveProperty('keys');
  }
  receiver.received.length = 0;
  return { shop, receiver, keysOf };
}

describe('webhooks of a server', () => {
  it('name the public values, flags and limits that change, in each environment', async () => {
    const { shop, receiver, keysOf } = await startFollowedShop();
    const writes = [
      { key: 'supportEmail', value: 'sales@shop.example' },
      { key: 'theme', value: 'dark' },
      { key: 'cartItems', value: 30 },
      { key: 'paymentKey', value: 'sk_hidden_1' },
    ];
    const values = [...writes, { key: 'theme', value: 'dark', environment: 'production' }];
    await shop.call('PUT', '/values/bulk', { values: values.map((value) => shop.write(value)) });
    await expect.poll(() => receiver.received.length).toBe(2);
    expect(keysOf('development')).toEqual([['cartItems', 'supportEmail', 'theme']]);
    expect(keysOf('production')).toEqual([['theme']]);
    expect(receiver.received.every(({ isSigned }) => isSigned)).toBe(true);
    const { revision } = await shop.ruleset();
    const development = receiver.received.find(({ body }) => body.environment === 'development');
    expect(development?.body.revision).toBe(revision);
  });

  it('never contain a secret, its name or any value', async () => {
    const { shop, receiver, keysOf } = await startFollowedShop();
    await shop.set('paymentKey', 'sk_hidden_2');
    await shop.set('theme', 'dark');
    await expect.poll(() => keysOf('development')).toEqual([['theme']]);
    const secretConfigSchema = { type: 'object', properties: { paymentKey2: { type: 'string' } } };
    const limitsSchema = { type: 'object', properties: { seats: { type: 'number', default: 1 } } };
    const jsonSchema = { type: 'object', properties: { secretConfigSchema, limitsSchema } };
    expect((await shop.call('POST', '/schemas', { name: 'more', jsonSchema })).status).toBe(201);
    await expect.poll(() => keysOf('development')).toEqual([['theme'], ['seats']]);
    expect(receiver.received.map(({ text }) => text).join()).not.toMatch(/sk_hidden|paymentKey|dark/);
  });

  it('name the flags that use a segment', async () => {
    const { shop, keysOf } = await startFollowedShop();
    expect((await shop.putSegment('staff', { attribute: 'role', op: 'in', values: ['staff'] })).status).toBe(
      200,
    );
    const rules = [{ id: 'staff', when: { segment: 'staff' }, value: true }];
    await shop.set('newCheckout', { $cohort: { rules, defaultValue: false } });
    await expect.poll(() => keysOf('development')).toEqual([['newCheckout']]);
    await shop.putSegment('staff', { attribute: 'role', op: 'in', values: ['employee'] });
    await expect.poll(() => keysOf('development')).toEqual([['newCheckout'], ['newCheckout']]);
  });

  it('are sent for the chosen environments only, and for all keys of one that gets such a name', async () => {
    const { shop, receiver, keysOf } = await startFollowedShop(['development', 'preview']);
    await shop.set('theme', 'dark', 'production');
    const id = await shop.addEnvironment('draft');
    await shop.set('theme', 'dark', 'draft');
    await shop.set('theme', 'dark');
    await expect.poll(() => keysOf('development')).toEqual([['theme']]);
    await shop.call('PATCH', `/environments/${id}`, { name: 'preview' });
    await expect.poll(() => keysOf('preview')).toEqual(['all']);
    expect(receiver.received).toHaveLength(2);
  });

  it('collect changes for 100 ms, and none after the close', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const changes = new ChangeBus();
    const reads: string[] = [];
    const webhooks = new Webhooks({
      targets: resolveWebhooks([{ url: 'http://127.0.0.1:9', secret }]),
      changes,
      log: { warn: () => undefined, error: () => undefined },
      readView: async (id) => {
        reads.push(id);
        return undefined;
      },
    });
    const publish = (...ids: string[]) => {
      const records = ids.map((environmentId, revision) => ({
        environmentId,
        revision,
        changes: [],
        at: '',
      }));
      changes.publish(records, () => undefined);
    };
    publish('a', 'b');
    await vi.advanceTimersByTimeAsync(99);
    publish('a', 'a');
    expect(reads).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(reads).toEqual(['a', 'b']);
    publish('c');
    await webhooks.close(1);
    expect(reads).toEqual(['a', 'b', 'c']);
    publish('d');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('compare one view after another, so that a slow read of an older one cannot replace a newer one', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const changes = new ChangeBus();
    const reads: (() => void)[] = [];
    const webhooks = new Webhooks({
      targets: resolveWebhooks([{ url: 'http://127.0.0.1:9', secret }]),
      changes,
      log: { warn: () => undefined, error: () => undefined },
      readView: () => new Promise((resolve) => reads.push(() => resolve(undefined))),
    });
    const publish = (revision: number) =>
      changes.publish([{ environmentId: 'a', revision, changes: [], at: '' }], () => undefined);
    publish(1);
    await vi.advanceTimersByTimeAsync(100);
    publish(2);
    await vi.advanceTimersByTimeAsync(100);
    expect(reads).toHaveLength(1);
    reads[0]?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(reads).toHaveLength(2);
    reads[1]?.();
    await webhooks.close(1);
  });

  it('that wait are sent when the server closes', async () => {
    const { shop, keysOf } = await startFollowedShop();
    await shop.set('theme', 'dark');
    await shop.server.close();
    expect(keysOf('development')).toEqual([['theme']]);
  });
});
