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

describe('env refuses', () => {
  const bench = shareBench({ schema: false });

  it.each([
    [['env', 'create', 'staging'], 1, /refused \(409\).*there is an environment "staging" already/],
    [['env', 'create', 'Not_OK'], 1, /refused \(400\).*lower-case letters, digits and dashes/],
    [['env', 'create', 'preview', '--fallback', 'stagin'], 2, /Did you mean "staging"/],
    [['env', 'create'], 2, /missing required argument 'name'/],
    [['env'], 2, /Usage: smooai-config env/],
    [['env', 'creat', 'x'], 2, /unknown command 'creat'/],
  ] as const)('%j with code %i', async (argv, code, words) => {
    const result = await bench.current.cli([...argv]);
    expect(result).toMatchObject({ code, stdout: '' });
    expect(result.stderr).toMatch(words);
  });
});
