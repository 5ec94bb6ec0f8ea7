import { describe, expect, it } from 'vitest';
import { shareBench, startBench } from '../test-support/cli-bench.ts';

describe('env', () => {
  it('lists a created environment with all its fallbacks', async () => {
    const { cli } = await startBench();
    const made = await cli([
      'env',
      'create',
      'preview',
      '--fallback',
      'staging',
      '--description',
      'for reviews',
    ]);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(made.stdout).toBe('Created the environment "preview", which inherits from staging.\n');
    const next = await cli(['env', 'create', 'preview-7', '--fallback', 'preview', '--json']);
    expect(JSON.parse(next.stdout)).toEqual({
      name: 'preview-7',
      id: expect.any(String),
      description: null,
      fallbacks: ['preview', 'staging'],
    });
    const lines = (await cli(['env', 'list'])).stdout
      .split('\n')
      .map((line) => line.replace(/ {2,}/g, ' | '));
    expect(lines).toEqual([
      'ENVIRONMENT | FALLS BACK TO | DESCRIPTION',
      'development | - | -',
      'preview | staging | for reviews',
      'preview-7 | preview → staging | -',
      'production | - | -',
      'staging | - | -',
      '',
    ]);
    expect(JSON.parse((await cli(['env', 'list', '--json'])).stdout)).toContainEqual(
      expect.objectContaining({ name: 'preview', fallbacks: ['staging'], description: 'for reviews' }),
    );
  });

  it('says so if the client has no access to a fallback', async () => {
    const { cli, bare, file } = await startBench();
    await cli(['env', 'create', 'preview', '--fallback', 'production']);
    const limited = await cli(['clients', 'create', 'reader', '--environments', 'preview', '--json']);
    await file('reader.json', limited.stdout);
    const { stdout } = await bare(['env', 'list', '--json', '-c', 'reader.json']);
    expect(JSON.parse(stdout)).toMatchObject([
      { name: 'preview', fallbacks: ['(not shown to this client)'] },
    ]);
  });
});

describe('env update and env delete', () => {
  it('change the name, the fallback and the description, and delete', async () => {
    const { cli } = await startBench();
    await cli(['env', 'create', 'preview', '--fallback', 'staging', '--description', 'for reviews']);
    const moved = await cli(['env', 'update', 'preview', '--name', 'review', '--fallback', 'production']);
    expect(moved).toMatchObject({
      code: 0,
      stdout: 'Updated the environment "review" (was "preview"): fallback production.\n',
    });
    const alone = await cli(['env', 'update', 'review', '--no-fallback', '--description', '', '--json']);
    expect(JSON.parse(alone.stdout)).toMatchObject({ name: 'review', description: null, fallbacks: [] });
    const asked = await cli(['env', 'delete', 'review'], { isTTY: true, stdin: 'n\n' });
    expect(asked).toMatchObject({ code: 1, stderr: expect.stringContaining('Nothing was changed') });
    expect(await cli(['env', 'delete', 'review', '--yes'])).toMatchObject({
      code: 0,
      stdout: 'Deleted the environment "review".\n',
    });
    expect((await cli(['env', 'list'])).stdout).not.toContain('review');
  });

  it('keeps what is not named', async () => {
    const { cli } = await startBench();
    await cli(['env', 'create', 'preview', '--fallback', 'staging', '--description', 'for reviews']);
    const { stdout } = await cli(['env', 'update', 'preview', '--description', 'for all', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ description: 'for all', fallbacks: ['staging'] });
  });

  it('refuse to delete a fallback of another environment', async () => {
    const { cli } = await startBench();
    await cli(['env', 'create', 'preview', '--fallback', 'staging']);
    const { code, stderr } = await cli(['env', 'delete', 'staging', '--yes']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/refused \(409\).*"staging" is the fallback of preview/);
  });
});

describe('env refuses', () => {
  const bench = shareBench({ schema: false });

  it.each([
    [['env', 'create', 'staging'], 1, /refused \(409\).*there is an environment "staging" already/],
    [['env', 'create', 'Not_OK'], 1, /refused \(400\).*lower-case letters, digits and dashes/],
    [['env', 'create', 'preview', '--fallback', 'stagin'], 2, /Did you mean "staging"/],
    [['env', 'update', 'staging'], 2, /Nothing to change\. Pass --name/],
    [['env', 'update', 'stagin', '--no-fallback'], 2, /Did you mean "staging"/],
    [['env', 'update', 'staging', '--fallback', 'prodution'], 2, /Did you mean "production"/],
    [['env', 'update', 'staging', '--fallback', 'staging'], 1, /refused \(400|refused \(409/],
    [['env', 'update', 'staging', '--fallback', 'production', '--no-fallback'], 2, /cannot be used with/],
    [
      ['env', 'update', 'staging', '--no-fallback', '--fallback', 'production'],
      2,
      /option '--fallback <env>' cannot be used with option '--no-fallback'/,
    ],
    [['env', 'delete', 'stagin', '--yes'], 2, /Did you mean "staging"/],
    [['env', 'delete', 'staging'], 2, /with all its values.*--yes/],
    [['env', 'create'], 2, /missing required argument 'name'/],
    [['env'], 2, /Usage: smooai-config env/],
    [['env', 'creat', 'x'], 2, /unknown command 'creat'/],
  ] as const)('%j with code %i', async (argv, code, words) => {
    const result = await bench.current.cli([...argv]);
    expect(result).toMatchObject({ code, stdout: '' });
    expect(result.stderr).toMatch(words);
  });
});
