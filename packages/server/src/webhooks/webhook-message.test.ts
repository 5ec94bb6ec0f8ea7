import { describe, expect, it } from 'vitest';
import { bodyOf, createMessage } from './webhook-message.ts';

const change = (keys: string[] | undefined, revision = '7') => ({
  environment: 'production',
  revision,
  keys: keys && new Set(keys),
});

describe('the body of a webhook', () => {
  it('names the environment, its revision and the keys', () => {
    expect(JSON.parse(bodyOf(createMessage(change(['theme']))))).toEqual({
      environment: 'production',
      revision: '7',
      keys: ['theme'],
    });
  });

  it('has the keys of an earlier message too', () => {
    const earlier = createMessage(change(['theme', 'banner'], '6'));
    const message = createMessage(change(['theme', 'cartItems']), earlier);
    expect(message).toMatchObject({ revision: '7', keys: new Set(['theme', 'banner', 'cartItems']) });
    expect(message.id).not.toBe(earlier.id);
  });

  it.each([
    ['any key may have changed', change(undefined), undefined],
    ['that was so in an earlier message', change(['theme']), change(undefined)],
    [
      'there are more keys than a receiver accepts',
      change(Array.from({ length: 1_001 }, (_, i) => `k${i}`)),
      undefined,
    ],
    ['a key is longer than a receiver accepts', change(['k'.repeat(201)]), undefined],
    [
      'it would be larger than a receiver accepts',
      change(Array.from({ length: 999 }, (_, i) => `${i}`.padEnd(100, 'ü'))),
      undefined,
    ],
  ])('has no keys when %s', (_, newer, earlier) => {
    const message = createMessage(newer, earlier && createMessage(earlier));
    expect(JSON.parse(bodyOf(message))).toEqual({ environment: 'production', revision: '7' });
  });
});
