import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { temporaryDirectory } from './test-support/running-server.ts';
import { addWebhookFlags, type WebhookFlags, webhooksOf } from './webhook-flags.ts';

const secret = 'a-secret-of-the-tests';

/** The webhooks of a command line and of environment variables. */
function read(args: string[], env: Record<string, string> = {}) {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(`SMOOAI_CONFIG_SERVER_WEBHOOK_${name}`, value);
  const command = addWebhookFlags(new Command())
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  return webhooksOf(command.parse(args, { from: 'user' }).opts<WebhookFlags>(), process.env);
}

describe('the flags of webhooks', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('can name several URLs, and the environments', () => {
    const urls = ['--webhook', 'https://shop.example/a', '--webhook', 'https://shop.example/b'];
    const args = [...urls, '--webhook-environments', 'staging, production', '--webhook-allow-http'];
    expect(read(args, { SECRET: `${secret}\n` })).toEqual([
      { url: 'https://shop.example/a', secret, environments: ['staging', 'production'], allowHttp: true },
      { url: 'https://shop.example/b', secret, environments: ['staging', 'production'], allowHttp: true },
    ]);
  });

  it('can be environment variables, with the secret in a file', async () => {
    const file = join(await temporaryDirectory(), 'secret');
    await writeFile(file, `${secret}\n`);
    const env = { URL: 'https://shop.example/a https://shop.example/b', SECRET_FILE: file };
    expect(read([], { ...env, ENVIRONMENTS: 'production' })).toEqual([
      { url: 'https://shop.example/a', secret, environments: ['production'], allowHttp: false },
      { url: 'https://shop.example/b', secret, environments: ['production'], allowHttp: false },
    ]);
    const [own] = read(['--webhook', 'https://other.example'], { ...env, ENVIRONMENTS: '' });
    expect(own).toEqual({ url: 'https://other.example', secret, allowHttp: false });
  });

  it('are off without a URL', () => {
    expect(read([], { URL: ' ', SECRET: secret })).toEqual([]);
  });

  it('need a secret, which is in no argument', () => {
    const args = ['--webhook', 'https://shop.example/a'];
    expect(() => read(args, { SECRET: ' ' })).toThrow(
      'With --webhook, set SMOOAI_CONFIG_SERVER_WEBHOOK_SECRET or add --webhook-secret-file FILE.',
    );
    expect(() => read([...args, '--webhook-secret-file', '/missing'])).toThrow(
      'The file /missing of --webhook-secret-file cannot be read (ENOENT).',
    );
    expect(() => read([...args, '--webhook-secret', secret])).toThrow(/unknown option/);
  });
});
