import { describe, expect, it } from 'vitest';
import { setUp } from '../test-support/config-api-fixture.ts';
import { fakeTimersInEach } from '../test-support/request-fixture.ts';

fakeTimersInEach();

const input = {
  schemaId: 's1',
  environmentId: 'e1',
  key: 'theme',
  value: 'dark',
  tier: 'feature_flag' as const,
};

describe('versions of values', () => {
  it.each([
    ['"abc"', 'abc'],
    ['W/"abc"', 'abc'],
    [undefined, undefined],
  ])('reads the ETag %s as the version %s', async (etag, version) => {
    const { api } = setUp([Response.json({ value: 1 }, { headers: etag === undefined ? {} : { etag } })]);
    expect(await api.getVersionedValue('prod', 'a')).toEqual({ value: 1, version });
  });

  it('sends conditions with writes only if they are given', async () => {
    const { api, sent } = setUp([
      Response.json({ id: 'x' }),
      Response.json({ id: 'x' }),
      Response.json({ id: 'x' }),
      new Response(null, { status: 204 }),
    ]);
    await api.setValue(input);
    await api.setValue(input, { ifVersion: 'abc' });
    await api.setValue(input, { ifUnset: true });
    await api.deleteValue('prod', 'a', { ifVersion: 'abc' });
    const conditions = sent.map(({ headers }) => [headers.get('if-match'), headers.get('if-none-match')]);
    expect(conditions).toEqual([
      [null, null],
      ['"abc"', null],
      [null, '*'],
      ['"abc"', null],
    ]);
  });
});
