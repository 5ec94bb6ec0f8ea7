import { describe, expect, it } from 'vitest';
import { schemaKeys } from '../catalog.ts';
import { startBench } from '../test-support/cli-bench.ts';

const DOCUMENT = JSON.stringify({
  type: 'object',
  properties: {
    publicConfigSchema: { type: 'object', properties: { title: { type: 'string' } } },
    secretConfigSchema: { type: 'object', properties: { paymentKey: { type: 'string' } } },
    featureFlagSchema: { type: 'object', properties: {} },
    limitsSchema: { type: 'object', properties: {} },
  },
});

describe('schema', () => {
  it('adds a document as it is, lists it, and removes it', async () => {
    const { cli, file } = await startBench();
    await file('schema.json', DOCUMENT);
    const added = await cli([
      'schema',
      'add',
      'site',
      '--file',
      'schema.json',
      '--description',
      'of the site',
    ]);
    expect(added).toMatchObject({ code: 0, stdout: 'Created the schema "site" with 2 keys.\n', stderr: '' });
    expect((await cli(['set', 'public.title', 'Shop'])).code).toBe(0);
    const listed = await cli(['schema', 'list', '--json']);
    expect(JSON.parse(listed.stdout)).toEqual([
      { name: 'site', id: expect.any(String), version: 1, keys: 2, description: 'of the site' },
    ]);
    expect((await cli(['schema', 'list'])).stdout).toMatch(/site +1 +2 +of the site/);
    const refused = await cli(['schema', 'rm', 'site', '--yes']);
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /has stored values:\n.*title.*\nNothing was deleted\. To delete them too, add --force\./,
      ),
    });
    expect((await cli(['schema', 'rm', 'site'])).stderr).toMatch(/would be deleted.*--yes/);
    expect((await cli(['schema', 'rm', 'site', '--yes', '--force'])).stdout).toBe(
      'Deleted the schema "site".\n',
    );
    expect((await cli(['schema', 'list', '--json'])).stdout).toBe('[]\n');
  });

  it.each([
    [['schema', 'add', 'shop', '--file', 'schema.json'], 2, /schema "shop" already, at version 1.*push/],
    [['schema', 'add', 'other', '--file', 'list.json'], 2, /list\.json is not a schema document/],
    [['schema', 'add', 'other', '--file', 'missing.json'], 2, /missing\.json cannot be read/],
    [['schema', 'add', 'other'], 2, /required option '--file <file>'/],
    [['schema', 'rm', 'shob', '--yes'], 2, /Unknown schema "shob"\. Did you mean "shop"/],
  ] as const)('refuses %j', async (argv, code, words) => {
    const { cli, file, pushed } = await startBench();
    await pushed();
    await file('schema.json', DOCUMENT);
    await file('list.json', '[]');
    const result = await cli([...argv]);
    expect(result).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(words) });
  });
});

it('the keys of a document are found under the group names of every SDK', () => {
  const group = (key: string) => ({ type: 'object', properties: { [key]: { type: 'string' } } });
  const properties = {
    public: group('a'),
    secret: group('b'),
    feature_flags: group('c'),
    limits: group('d'),
  };
  const keys = schemaKeys({ id: '', name: '', jsonSchema: { type: 'object', properties } as never });
  expect(keys.map(({ fullName }) => fullName)).toEqual(['public.a', 'secrets.b', 'flags.c', 'limits.d']);
});
