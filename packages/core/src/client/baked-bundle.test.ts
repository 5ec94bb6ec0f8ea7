import { createCipheriv, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../index.ts';
import {
  type BundledSealed,
  createBundleKey,
  createConfigClient,
  openBundle,
  sealBundle,
} from '../server.ts';
import { ManualSource } from '../test-support/manual-source.ts';
import { rulesetOf } from '../test-support/ruleset.ts';

const config = defineConfig({
  public: { API_URL: z.url(), title: z.string().default('Shop') },
  secrets: { databaseUrl: z.string() },
  flags: { newCheckout: z.boolean().default(false) },
});
const VALUES = {
  public: { API_URL: 'https://baked.example', unknown: 1 },
  secret: { databaseUrl: 'postgres://hunter2' },
};
const ruleset = rulesetOf({
  public: { API_URL: 'https://live.example', title: 'Live' },
  secret: { databaseUrl: 'postgres://live' },
  flags: { newCheckout: true },
});
const unreachable = Object.assign(new Error('unreachable'), { code: 'ERR_REQUEST_REJECTED', status: 403 });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'smooai-bundle-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const key = createBundleKey();

/** A client with that bundle, whose server can or cannot be reached. */
function clientOf(bundled: BundledSealed, { live = false } = {}) {
  const source = new ManualSource(live ? ruleset : unreachable);
  return {
    source,
    client: createConfigClient({ config, source, bundled, fallback: 'cached', overrides: false }),
  };
}

async function bundleFile(content?: Uint8Array): Promise<string> {
  const file = join(folder, 'config.bundle');
  await writeFile(file, content ?? (await sealBundle(VALUES, key)));
  return file;
}

describe('a baked bundle', () => {
  it('starts a client without its server, which is live once the server responds', async () => {
    const { client, source } = clientOf({ bundle: await bundleFile(), key });
    await client.ready();
    expect(client.public('API_URL')).toBe('https://baked.example');
    expect(client.secret('databaseUrl')).toBe('postgres://hunter2');
    expect(client.public('title')).toBe('Shop');
    expect([client.origin('API_URL'), client.origin('newCheckout')]).toEqual(['file', 'default']);
    expect(client.health()).toMatchObject({ transport: 'file' });
    source.sink?.replace(ruleset);
    expect(client.public('API_URL')).toBe('https://live.example');
    expect(client.flag('newCheckout')).toBe(true);
    await client.close();
  });

  it('gives way to the server, unless its precedence is "bundle"', async () => {
    const bundle = await sealBundle(VALUES, key);
    const first = clientOf({ bundle, key }, { live: true }).client;
    await first.ready();
    expect(first.public('API_URL')).toBe('https://live.example');
    const second = clientOf({ bundle, key, precedence: 'bundle' }, { live: true }).client;
    await second.ready();
    expect(second.public('API_URL')).toBe('https://baked.example');
    expect(second.secret('databaseUrl')).toBe('postgres://hunter2');
    expect([second.public('title'), second.flag('newCheckout')]).toEqual(['Live', true]);
    const variables = { API_URL: 'https://variable.example', TITLE: 'Variable' };
    const options = { config, source: new ManualSource(ruleset), overrides: { variables } };
    const third = createConfigClient({ ...options, bundled: { bundle, key, precedence: 'bundle' } });
    await third.ready();
    expect([third.public('API_URL'), third.public('title')]).toEqual(['https://baked.example', 'Variable']);
  });

  it('takes its key from SMOO_CONFIG_KEY, or from the file that SMOO_CONFIG_KEY_FILE names', async () => {
    const bundle = await sealBundle(VALUES, key);
    vi.stubEnv('SMOO_CONFIG_KEY', key);
    await clientOf({ bundle }).client.ready();
    vi.stubEnv('SMOO_CONFIG_KEY', '');
    await writeFile(join(folder, 'key'), `${key}\n`);
    vi.stubEnv('SMOO_CONFIG_KEY_FILE', join(folder, 'key'));
    await clientOf({ bundle }).client.ready();
    vi.stubEnv('SMOO_CONFIG_KEY_FILE', join(folder, 'missing'));
    await expect(clientOf({ bundle }).client.ready()).rejects.toThrow(/SMOO_CONFIG_KEY_FILE.*ENOENT/);
    vi.stubEnv('SMOO_CONFIG_KEY_FILE', '');
    await expect(clientOf({ bundle }).client.ready()).rejects.toThrow(/no key.*SMOO_CONFIG_KEY/);
  });

  it('has the published format', async () => {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', Buffer.from(key, 'base64'), nonce);
    const text = cipher.update(JSON.stringify(VALUES));
    const bytes = Buffer.concat([nonce, text, cipher.final(), cipher.getAuthTag()]);
    expect(await openBundle(bytes, key)).toEqual(VALUES);
    expect(await openBundle(await sealBundle(VALUES, key), key)).toEqual(VALUES);
  });

  it('has no value in clear, and never the same bytes twice', async () => {
    const [one, other] = [await sealBundle(VALUES, key), await sealBundle(VALUES, key)];
    for (const text of ['hunter2', 'databaseUrl', 'baked.example']) {
      expect(Buffer.from(one).includes(text)).toBe(false);
    }
    expect(Buffer.from(one).equals(other)).toBe(false);
  });

  it('has no flags and limits, even if the file has some', async () => {
    const flags = { newCheckout: true };
    const bundle = await sealBundle({ ...VALUES, flags, feature_flags: flags } as typeof VALUES, key);
    const { client } = clientOf({ bundle, key, precedence: 'bundle' });
    await client.ready();
    expect(client.flag('newCheckout')).toBe(false);
    await client.close();
  });
});

function flipBit(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, index) => (index === 40 ? byte ^ 1 : byte));
}

describe('a bundle is refused', () => {
  it.each<[string, () => Promise<Uint8Array>, string, RegExp]>([
    ['empty', async () => new Uint8Array(0), key, /is damaged: it has 0 bytes/],
    ['torn', async () => (await sealBundle(VALUES, key)).subarray(0, -5), key, /is damaged/],
    ['changed', async () => flipBit(await sealBundle(VALUES, key)), key, /is damaged/],
    ['of another key', () => sealBundle(VALUES, createBundleKey()), key, /another key/],
    ['plain JSON', async () => Buffer.from(JSON.stringify(VALUES)), key, /is not encrypted/],
    ['of other content', () => sealBundle({ a: 1 } as never, key), key, /not a bundle.*"public".*"secret"/],
    ['without a valid key', () => sealBundle(VALUES, key), 'hunter2', /32 bytes in base64/],
  ])('if it is %s', async (_, make, openKey, message) => {
    const file = await bundleFile(await make());
    const failure = await clientOf({ bundle: file, key: openKey })
      .client.ready()
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'ERR_OPTIONS_INVALID', option: 'bundled' });
    expect(String(failure)).toMatch(message);
    expect(String(failure)).not.toMatch(/hunter2|baked\.example/);
    if (openKey === key) expect(String(failure)).toContain(file);
  });

  it('if it is missing', async () => {
    const { client } = clientOf({ bundle: join(folder, 'missing'), key });
    await expect(client.ready()).rejects.toThrow(/bundle .*missing cannot be read \(ENOENT\)/);
  });
});
