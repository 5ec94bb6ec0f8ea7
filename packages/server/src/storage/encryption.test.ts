import { createHmac, randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SecretBox } from './encryption.ts';
import { ENCRYPTION_KEY_VARIABLE, encryptionKeyFile, loadEncryptionKey } from './encryption-key.ts';

describe('SecretBox', () => {
  const key = randomBytes(32);
  const box = new SecretBox(key);
  const place = ['organization', 'environment', 'key'];

  it.each(['', 'hush', '☃ '.repeat(1000), '"\0"'])('opens what it sealed: %j', (text) => {
    expect(box.open(box.seal(text, place), place)).toBe(text);
  });

  it('seals the same text differently each time and never shows the key', () => {
    const sealed = Array.from({ length: 50 }, () => box.seal('hush-hush', place));
    expect(new Set(sealed).size).toBe(50);
    for (const text of sealed) expect(text).toMatch(/^v1\.[0-9a-f]{8}\.[\w-]+$/);
    const shown = inspect(box, { showHidden: true, depth: 9 }) + JSON.stringify(box);
    for (const encoding of ['hex', 'base64', 'latin1'] as const)
      expect(shown).not.toContain(key.toString(encoding));
  });

  it('does not open text that was sealed for another place', () => {
    const sealed = box.seal('hush', place);
    for (const other of [['organization', 'environment', 'other'], ['organization', 'environmentkey'], []]) {
      expect(() => box.open(sealed, other)).toThrow(
        expect.objectContaining({ code: 'ERR_DECRYPTION_FAILED' }),
      );
    }
  });

  it('does not open text with a single changed bit', () => {
    const sealed = box.seal('hush', place);
    const start = sealed.lastIndexOf('.') + 1;
    const bytes = Buffer.from(sealed.slice(start), 'base64url');
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Buffer.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(() => box.open(sealed.slice(0, start) + changed.toString('base64url'), place)).toThrow(
        expect.objectContaining({ code: 'ERR_DECRYPTION_FAILED' }),
      );
    }
  });

  it.each(['', 'plain', 'v1..', 'v2.00000000.AAAA', 'v1.a.b.c'])('refuses %j', (text) => {
    expect(() => box.open(text, place)).toThrow(/sealed/);
  });

  it('distinguishes a wrong key from damaged text', () => {
    const other = new SecretBox(randomBytes(32));
    expect(() => other.open(box.seal('hush', place), place)).toThrow(
      expect.objectContaining({ code: 'ERR_ENCRYPTION_KEY_WRONG' }),
    );
    const truncated = box.seal('hush', place).slice(0, 25);
    expect(() => box.open(truncated, place)).toThrow(
      expect.objectContaining({ code: 'ERR_DECRYPTION_FAILED' }),
    );
  });
});

describe('loadEncryptionKey', () => {
  let file = '';
  let directory = '';
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'config-key-'));
    file = join(directory, 'config.db');
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('prefers the variable and then creates no file', async () => {
    const key = randomBytes(32);
    for (const text of [key.toString('base64'), ` ${key.toString('base64url')}\n`]) {
      expect(await loadEncryptionKey({ file, env: { [ENCRYPTION_KEY_VARIABLE]: text } })).toEqual(key);
    }
    expect(await readdir(directory)).toEqual([]);
  });

  it.each([
    ['too short', randomBytes(31).toString('base64')],
    ['too long', randomBytes(33).toString('base64')],
    ['hexadecimal', randomBytes(32).toString('hex')],
    ['not base64', 'not-a-key!'],
  ])('refuses a variable that is %s without showing it', async (_, text) => {
    const error = await loadEncryptionKey({ file, env: { [ENCRYPTION_KEY_VARIABLE]: text } }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'ERR_ENCRYPTION_KEY_INVALID' });
    expect(String(error)).toContain(ENCRYPTION_KEY_VARIABLE);
    expect(inspect(error)).not.toContain(text);
  });

  it('creates a file for its owner only and reads it again', async () => {
    const key = await loadEncryptionKey({ file, env: { [ENCRYPTION_KEY_VARIABLE]: ' ' } });
    expect(key).toHaveLength(32);
    expect((await stat(encryptionKeyFile(file))).mode & 0o777).toBe(0o600);
    expect(await readdir(directory)).toEqual(['config.db.key']);
    expect(await loadEncryptionKey({ file, env: {} })).toEqual(key);
  });

  it('gives the same key to several that start at once', async () => {
    const keys = await Promise.all(Array.from({ length: 8 }, () => loadEncryptionKey({ file, env: {} })));
    expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(1);
    expect(await readdir(directory)).toEqual(['config.db.key']);
  });

  it('refuses a file that others can read or write, and says how to fix it', async () => {
    await loadEncryptionKey({ file, env: {} });
    for (const mode of [0o640, 0o604, 0o620]) {
      await chmod(encryptionKeyFile(file), mode);
      await expect(loadEncryptionKey({ file, env: {} })).rejects.toMatchObject({
        code: 'ERR_ENCRYPTION_KEY_EXPOSED',
        message: expect.stringContaining(`chmod 600 ${encryptionKeyFile(file)}`),
      });
    }
    await chmod(encryptionKeyFile(file), 0o400);
    expect(await loadEncryptionKey({ file, env: {} })).toHaveLength(32);
  });

  it('refuses a damaged file without showing or replacing it', async () => {
    for (const content of ['', 'half-a-key', 'x'.repeat(5000)]) {
      await writeFile(encryptionKeyFile(file), content, { mode: 0o600 });
      const error = await loadEncryptionKey({ file, env: {} }).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'ERR_ENCRYPTION_KEY_INVALID' });
      if (content) expect(String(error)).not.toContain(content);
      expect(await readFile(encryptionKeyFile(file), 'utf8')).toBe(content);
    }
  });

  it('does not create a new key for an existing database', async () => {
    await writeFile(file, 'SQLite format 3\0 and so on');
    await expect(loadEncryptionKey({ file, env: {} })).rejects.toMatchObject({
      code: 'ERR_ENCRYPTION_KEY_MISSING',
      message: expect.stringContaining(encryptionKeyFile(file)),
    });
    expect(await readdir(directory)).toEqual(['config.db']);
  });

  it('creates a new key for each database in memory', async () => {
    const options = { file: ':memory:', env: {} };
    expect(await loadEncryptionKey(options)).not.toEqual(await loadEncryptionKey(options));
  });
});

it('keeps a key of its own, which the caller may erase', () => {
  const key = randomBytes(32);
  const box = new SecretBox(key);
  const sealed = box.seal('sk_hidden', ['a']);
  const again = new SecretBox(Buffer.from(key));
  key.fill(0);
  expect(box.open(sealed, ['a'])).toBe('sk_hidden');
  expect(again.open(box.seal('sk_new', ['a']), ['a'])).toBe('sk_new');
});

it('a fingerprint needs the key itself', () => {
  const key = randomBytes(32);
  const mac = createHmac('sha256', key).update('smooai-config fingerprint hush').digest('base64url');
  expect(new SecretBox(key).fingerprint('hush')).toBe(mac.slice(0, 16));
});

it('sealed text has a nonce of 96 bits and a tag of 128 bits', () => {
  const [, , body = ''] = new SecretBox(randomBytes(32)).seal('hush', ['place']).split('.');
  expect(Buffer.from(body, 'base64url')).toHaveLength(12 + 4 + 16);
});
