import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../test-support/running-server.ts';
import { credentialsFileOf, readCredentialsFile, writeCredentialsFile } from './credentials-file.ts';

const credentials = {
  apiUrl: 'http://127.0.0.1:1',
  authUrl: 'http://127.0.0.1:1',
  organizationId: 'o',
  clientId: 'c',
  clientSecret: 'sk_hidden',
};
/** Windows has no such modes. */
const modeOf = async (file: string): Promise<number> =>
  process.platform === 'win32' ? 0o600 : (await stat(file)).mode & 0o777;

describe('a credentials file', () => {
  it('is written whole, and readable for its owner only', async () => {
    const directory = await temporaryDirectory();
    const file = credentialsFileOf(join(directory, 'config.db'));
    expect(await readCredentialsFile(file)).toBe('absent');
    await writeCredentialsFile(file, credentials);
    expect(await readCredentialsFile(file)).toEqual(credentials);
    expect(await modeOf(file)).toBe(0o600);
    await writeCredentialsFile(file, { ...credentials, clientId: 'another' });
    expect(await readCredentialsFile(file)).toMatchObject({ clientId: 'another' });
    // No draft is left behind.
    expect(await readdir(directory)).toEqual(['config.db.credentials.json']);
  });

  it('becomes private again when it is read, and loses what does not belong there', async () => {
    const file = join(await temporaryDirectory(), 'credentials.json');
    await writeFile(file, JSON.stringify({ ...credentials, more: 1 }));
    await chmod(file, 0o644);
    expect(await readCredentialsFile(file)).toEqual(credentials);
    expect(await modeOf(file)).toBe(0o600);
  });

  it.each([
    ['damaged', '{"apiUrl":'],
    ['a list', '[]'],
    ['null', 'null'],
    ...Object.keys(credentials).map((name) => [
      `without ${name}`,
      JSON.stringify({ ...credentials, [name]: 1 }),
    ]),
  ])('that is %s is foreign: it is neither used, changed nor replaced', async (_, text) => {
    const file = join(await temporaryDirectory(), 'credentials.json');
    await writeFile(file, String(text));
    await chmod(file, 0o644);
    expect(await readCredentialsFile(file)).toBe('foreign');
    await expect(writeCredentialsFile(file, credentials)).rejects.toMatchObject({
      code: 'ERR_CREDENTIALS_FILE',
      message: expect.stringContaining(file),
    });
    expect(await readFile(file, 'utf8')).toBe(text);
  });

  it('in place of which there is a directory is foreign', async () => {
    const directory = await temporaryDirectory();
    expect(await readCredentialsFile(directory)).toBe('foreign');
    const error: unknown = await writeCredentialsFile(directory, credentials).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'ERR_CREDENTIALS_FILE' });
    expect(String(error)).not.toContain('sk_hidden');
  });
});
