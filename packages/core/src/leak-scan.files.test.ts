import { mkdir, mkdtemp, open, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig } from './index.ts';
import { findSecretValues, formatLeaks, SecretDetector, scanForSecrets } from './leak-scan.ts';

const config = defineConfig({ secrets: { paymentKey: z.string(), password: z.string() } });
const value = "it's <secret>";
const values = [{ key: 'paymentKey', value }];
const MEBIBYTE = 1 << 20;

let root: string;
let folders = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'leak-files-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));
afterEach(() => {
  vi.unstubAllEnvs();
});

async function folderWith(files: Record<string, string | Uint8Array>): Promise<string> {
  folders += 1;
  const folder = join(root, String(folders));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

/** The leaks in a folder with these files: kind, path, line and column. */
async function placesIn(files: Record<string, string | Uint8Array>): Promise<string[]> {
  const folder = await folderWith(files);
  const { leaks } = await scanForSecrets({ config, paths: [folder], values });
  return leaks.map(
    ({ kind, file, line, column }) => `${kind} ${file.slice(folder.length + 1)}:${line}:${column}`,
  );
}

describe('scanForSecrets', () => {
  it.each(['\\\\\\"paymentKey\\\\\\"', '&#x27;paymentKey&#x27;', '%22paymentKey%22'])(
    'finds the name %s',
    async (text) => {
      expect(await placesIn({ a: `(${text}` })).toEqual(['name a:1:2']);
    },
  );

  it.each(['"paymentKey', 'paymentKey"', '{paymentKey}', 'paymentKey:', '"paymentKey\''])(
    'does not take %s for a name of the schema',
    async (text) => {
      expect(await placesIn({ a: text })).toEqual([]);
    },
  );

  it('finds an apostrophe as HTML writes it', async () => {
    expect(await placesIn({ 'a.html': 'x it&#x27;s &lt;secret&gt;' })).toEqual(['value a.html:1:3']);
  });

  it('finds a long value by its start', async () => {
    const long = 'abcdefgh'.repeat(100);
    const folder = await folderWith({ a: long, b: long.slice(0, 256), c: long.slice(0, 255) });
    const { leaks } = await scanForSecrets({
      config,
      paths: [folder],
      values: [{ key: 'password', value: long }],
    });
    expect(leaks.map(({ file }) => file)).toEqual([join(folder, 'a'), join(folder, 'b')]);
  });

  it('counts lines and columns across chunks', async () => {
    const lines = Buffer.alloc(2 * MEBIBYTE + 500, 'x');
    for (let at = 999; at < lines.length; at += 1_000) lines[at] = 0x0a;
    lines.write(value, 2 * MEBIBYTE + 100);
    const start = 2 * MEBIBYTE + 100;
    const place = `${Math.floor(start / 1_000) + 1}:${(start % 1_000) + 1}`;
    expect(await placesIn({ a: lines })).toEqual([`value a:${place}`]);
    // A line that ends with a chunk.
    const next = Buffer.alloc(MEBIBYTE + 100, 'x');
    next[MEBIBYTE - 1] = 0x0a;
    next.write(value, MEBIBYTE);
    expect(await placesIn({ a: next })).toEqual(['value a:2:1']);
  });

  it('does not find a value that only two files together contain', async () => {
    expect(await placesIn({ a: value.slice(0, 5), b: value.slice(5) })).toEqual([]);
  });

  it('reads the files of a folder in the order of their names', async () => {
    const files = { c: value, 'b/2': value, 'b/1': value, a: value };
    expect(await placesIn(files)).toEqual(['value a:1:1', 'value b/1:1:1', 'value b/2:1:1', 'value c:1:1']);
  });

  it('takes several paths, also of single files', async () => {
    const folder = await folderWith({ a: value, b: value, 'c/d': value });
    const paths = [join(folder, 'b'), join(folder, 'c')];
    const { leaks, files, bytes } = await scanForSecrets({ config, paths, values });
    expect(leaks.map(({ file }) => file)).toEqual([join(folder, 'b'), join(folder, 'c/d')]);
    expect({ files, bytes }).toEqual({ files: 2, bytes: 2 * value.length });
  });

  it('names a path that cannot be read', async () => {
    const folder = await folderWith({ a: '' });
    const scan = scanForSecrets({ config, paths: [join(folder, 'a', 'b')], values });
    await expect(scan).rejects.toThrow(/a.b cannot be read \(ENOTDIR\)/);
  });

  it.runIf(process.platform === 'linux')('closes every file, also one in which it was aborted', async () => {
    const folder = await folderWith({ a: value, b: '' });
    const openFiles = async (): Promise<string[]> => {
      const numbers = await readdir('/proc/self/fd');
      const files = numbers.map((number) => readlink(`/proc/self/fd/${number}`).catch(() => ''));
      return (await Promise.all(files)).filter((file) => file.startsWith(`${folder}/`));
    };
    const handle = await open(join(folder, 'a'));
    expect(await openFiles()).toHaveLength(1);
    await handle.close();
    await scanForSecrets({ config, paths: [folder], values });
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(scanForSecrets({ config, paths: [folder], values, signal })).rejects.toThrow('enough');
    expect(await openFiles()).toEqual([]);
  });

  it('looks for names in the pages and prerendered responses of Next.js', async () => {
    const names = ['page.rsc', 'page.json', 'page.html', 'page.body', 'page.js', 'page.meta'];
    const rooms = ['server/app', 'server/pages', 'server/route-cache', 'server/chunks', 'cache', 'types/app'];
    const paths = rooms.flatMap((room) => names.map((name) => `${room}/${name}`));
    const content = Object.fromEntries([...paths, 'BUILD_ID'].map((path) => [path, '"paymentKey"']));
    const prerendered = ['page.body', 'page.html', 'page.json', 'page.rsc'];
    expect(await placesIn(content)).toEqual(
      rooms.slice(0, 3).flatMap((room) => prerendered.map((name) => `name ${room}/${name}:1:1`)),
    );
  });

  it.each(['.js', '.mjs', '.cjs', '.map'])(
    'expects common words in the code of libraries (%s)',
    async (extension) => {
      const name = `a${extension}`;
      expect(await placesIn({ [name]: '"password" "paymentKey"' })).toEqual([`name ${name}:1:12`]);
      const leaked = await scanForSecrets({
        config,
        paths: [await folderWith({ [name]: 'the password' })],
        values: [{ key: 'password', value: 'the password' }],
      });
      expect(leaked.leaks).toMatchObject([{ kind: 'value', key: 'password' }]);
    },
  );

  it('allows a name in every file if the entry names none', async () => {
    const folder = await folderWith({ a: '"paymentKey"', 'b/c': `"paymentKey" ${value} "password"` });
    const allow = [{ key: 'paymentKey', reason: 'The name of a form field.' }];
    const result = await scanForSecrets({ config, paths: [folder], values, allow });
    expect(result.leaks.map(({ key, kind }) => `${kind} ${key}`)).toEqual([
      'value paymentKey',
      'name password',
    ]);
    expect(result.unusedAllowances).toEqual([]);
  });
});

describe('formatLeaks', () => {
  it('names the form of a value, each leak on its own, and files outside of the folder as they are', async () => {
    const base64 = Buffer.from(value).toString('base64');
    const folder = await folderWith({ 'a.js': `${base64} "paymentKey"`, 'a.css': '"password"' });
    const { leaks } = await scanForSecrets({ config, paths: [folder], values });
    const heads = (text: string) => text.match(/^\S.*$/gm);
    expect(heads(formatLeaks(leaks, folder))).toEqual([
      'a.css:1:1: the name of the secret "password"',
      'a.js:1:1: the value of the secret "paymentKey" (Base64)',
      expect.stringMatching(/^a\.js:1:\d+: the name of the secret "paymentKey"$/),
    ]);
    expect(formatLeaks(leaks.slice(0, 1), `${folder}2`)).toContain(`${join(folder, 'a.css')}:1:1: `);
    expect(formatLeaks([], folder)).toBe('');
  });
});

describe('findSecretValues', () => {
  it('reads every .env file that Vite and Next.js read, and no other', async () => {
    const modes = ['development', 'production', 'test'];
    const names = ['.env', '.env.local', ...modes.flatMap((mode) => [`.env.${mode}`, `.env.${mode}.local`])];
    const files = [...names, '.env.example'].map((name) => [name, `PAYMENT_KEY=value in ${name}`]);
    const envFolder = await folderWith(Object.fromEntries(files) as Record<string, string>);
    const found = await findSecretValues(config, { env: {}, envFolder });
    expect(found.map(({ value }) => value).sort()).toEqual(names.map((name) => `value in ${name}`).sort());
  });

  it('reads the variables of the process by default, each value once, without spaces around it', async () => {
    vi.stubEnv('PAYMENT_KEY', ' 12345678 ');
    vi.stubEnv('PASSWORD', '1234567');
    const envFolder = await folderWith({ '.env': 'PAYMENT_KEY=12345678\nPASSWORD=12345678' });
    expect(await findSecretValues(config, { envFolder })).toEqual([
      { key: 'paymentKey', value: '12345678' },
      { key: 'password', value: '12345678' },
    ]);
    expect(await findSecretValues(config)).toEqual([{ key: 'paymentKey', value: '12345678' }]);
  });

  it('takes the strings in JSON apart, at any depth', async () => {
    const json = '[{"user":"a-user-name"},["a-password",null,7],"short"]';
    const env = { PAYMENT_KEY: json, PASSWORD: '"quoted text"' };
    expect((await findSecretValues(config, { env })).map(({ value }) => value)).toEqual([
      json,
      'a-user-name',
      'a-password',
      '"quoted text"',
    ]);
  });
});

describe('SecretDetector', () => {
  const bytes = (text: string) => new TextEncoder().encode(text);

  it('keeps what it needs of a chunk whose buffer is used again', () => {
    const detector = new SecretDetector();
    detector.add(values);
    const push = detector.stream();
    const chunk = bytes(value.slice(0, 6));
    expect(push(chunk)).toEqual([]);
    chunk.fill(0);
    expect(push(bytes(value.slice(6)))).toEqual([{ key: 'paymentKey', form: 'plain' }]);
  });

  it('finds two values of one key once in a text, and each in its own', () => {
    const detector = new SecretDetector();
    detector.add([...values, { key: 'paymentKey', value: 'its-successor' }, { key: 'password', value }]);
    expect(
      detector
        .stream()(bytes(`its-successor ${value}`))
        .map(({ key }) => key),
    ).toEqual(['paymentKey', 'password']);
    expect(
      detector
        .stream()(bytes(value))
        .map(({ key }) => key),
    ).toEqual(['paymentKey', 'password']);
  });

  it('finds a value after a chunk of any length', () => {
    const detector = new SecretDetector();
    detector.add(values);
    for (let length = 0; length <= 300; length++) {
      const push = detector.stream();
      push(bytes('x'.repeat(length) + value.slice(0, 9)));
      expect(push(bytes(value.slice(9))), String(length)).toHaveLength(1);
    }
  });

  it('keeps only the end of a text, and does no work for values that it knows', () => {
    const detector = new SecretDetector();
    detector.add(values);
    const concat = vi.spyOn(Buffer, 'concat');
    const encode = vi.spyOn(TextEncoder.prototype, 'encode');
    const push = detector.stream();
    for (let count = 0; count < 20; count++) push(new Uint8Array(1_000));
    const lengths = concat.mock.calls.map(([parts]) => parts.reduce((sum, { length }) => sum + length, 0));
    detector.add(values);
    detector.add([...values]);
    const encoded = encode.mock.calls.length;
    vi.restoreAllMocks();
    expect(Math.max(...lengths)).toBeLessThan(1_300);
    expect(encoded).toBe(0);
  });
});
