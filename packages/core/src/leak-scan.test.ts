import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineConfig } from './index.ts';
import { type AllowedLeak, findSecretValues, formatLeaks, scanForSecrets } from './leak-scan.ts';
import { createBundleKey, sealBundle } from './server.ts';

const config = defineConfig({
  public: { apiBaseUrl: z.string() },
  secrets: { paymentKey: z.string(), password: z.string(), account: z.object({ user: z.string() }) },
  flags: { newCheckout: z.boolean().default(false) },
});
const value = 'k"y/&<é> 12+34';
const values = [{ key: 'paymentKey', value }];

let root: string;
let folders = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'leak-scan-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function folderWith(files: Record<string, string | Uint8Array>): Promise<string> {
  folders += 1;
  const folder = join(root, String(folders));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

/** The leaks in one file of a folder that is not of a framework. */
async function leaksIn(content: string | Uint8Array, name = 'assets/main.js', allow?: AllowedLeak[]) {
  const folder = await folderWith({ [name]: content });
  return (await scanForSecrets({ config, paths: [folder], values, allow })).leaks;
}

describe('scanForSecrets', () => {
  it.each([
    ['plain', 'plain', value],
    ['in JSON', 'escaped', JSON.stringify({ value })],
    ['in JSON in a string', 'escaped', JSON.stringify(JSON.stringify({ value }))],
    ['in JSON of a script element', 'escaped', '"k\\"y/\\u0026\\u003cé\\u003e 12+34"'],
    ['in JSON in JSON of a script element', 'escaped', '"k\\\\\\"y/\\u0026\\u003cé\\u003e 12+34"'],
    ['in ASCII JSON', 'escaped', '"k\\"y/&<\\u00e9> 12+34"'],
    ['in ASCII code', 'escaped', `'k"y/&<\\xE9> 12+34'`],
    ['in text of Svelte', 'HTML', 'k"y/&amp;&lt;é> 12+34'],
    ['in an attribute', 'HTML', '<p title="k&quot;y/&amp;&lt;é&gt; 12+34">'],
    ['in a URL', 'URL-encoded', `?key=${encodeURIComponent(value)}`],
    ['in a form', 'URL-encoded', new URLSearchParams({ value }).toString()],
    [
      'in a URL, in lower case',
      'URL-encoded',
      encodeURIComponent(value).replace(/%../g, (e) => e.toLowerCase()),
    ],
    ['in Base64', 'Base64', Buffer.from(value).toString('base64')],
    ['in Base64 of a longer text', 'Base64', Buffer.from(`user:${value};`).toString('base64url')],
    ['in hexadecimal', 'hexadecimal', Buffer.from(value).toString('hex')],
    ['in hexadecimal in capitals', 'hexadecimal', Buffer.from(value).toString('hex').toUpperCase()],
  ])('finds a value %s', async (_, form, text) => {
    const leaks = await leaksIn(`first line\nconst a=${text};`);
    expect(leaks).toMatchObject([{ key: 'paymentKey', kind: 'value', form, line: 2 }]);
    expect(JSON.stringify(leaks) + formatLeaks(leaks, root)).not.toContain('12+34');
  });

  it.each([
    ["it's-a-secret", 'it&#39;s-a-secret'],
    [`it's "a" secret`, `'it\\'s "a" secret'`],
    [`a\`secret\${1}\\`, `\`a\\\`secret\\\${1}\\\\\``],
    ['-----BEGIN-----\nMII\\n', '`-----BEGIN-----\nMII\\\\n`'],
    ['the-\u{1f511}-key', '"the-\\u{1F511}-key"'],
    ['the-\u{1f511}-key', '"the-\\ud83d\\udd11-key"'],
    ['the-\u20ac-key', '"the-\\u20AC-key"'],
  ])('finds %j where code or HTML has %s', async (secret, text) => {
    const folder = await folderWith({ 'a.js': text });
    const { leaks } = await scanForSecrets({
      config,
      paths: [folder],
      values: [{ key: 'paymentKey', value: secret }],
    });
    expect(leaks).toHaveLength(1);
  });

  it.each(['"paymentKey"', "'paymentKey'", '`paymentKey`', '\\"paymentKey\\"', '&quot;paymentKey&quot;'])(
    'finds the name %s',
    async (text) => {
      expect(await leaksIn(`a(${text})`)).toMatchObject([
        { key: 'paymentKey', kind: 'name', line: 1, column: 3 },
      ]);
    },
  );

  it.each(['{paymentKey:', ',paymentKey:'])('finds the property %s of a schema', async (text) => {
    expect(await leaksIn(`a${text}b`)).toMatchObject([{ key: 'paymentKey', kind: 'name', column: 2 }]);
  });

  it('shows the files of one page as one entry', async () => {
    const files = ['a.html', 'a.rsc', 'a.segments/_full.segment.rsc', 'b.html', 'c.html', 'c.rsc'];
    const folder = await folderWith(Object.fromEntries(files.map((file) => [file, value])));
    const { leaks } = await scanForSecrets({ config, paths: [folder], values });
    expect(leaks).toHaveLength(6);
    expect(formatLeaks(leaks, folder).match(/^\S.*$/gm)).toEqual([
      'a.html:1:1: the value of the secret "paymentKey", also in 2 more files of this page',
      'b.html:1:1: the value of the secret "paymentKey"',
      'c.html:1:1: the value of the secret "paymentKey", also in 1 more file of this page',
    ]);
  });

  it('finds neither names without quotes nor names of other tiers', async () => {
    expect(await leaksIn('paymentKey; "paymentKeys"; "apiBaseUrl"; "newCheckout"')).toEqual([]);
  });

  it('looks for a name that is a common word in pages only', async () => {
    expect(await leaksIn('type:"password"', 'main.js')).toEqual([]);
    expect(await leaksIn('type:"password"', 'index.html')).toMatchObject([{ key: 'password', kind: 'name' }]);
  });

  it('reports the first of each kind in a file, with its place', async () => {
    const leaks = await leaksIn(`\n\n  "paymentKey", ${value}\n"paymentKey" ${value}`);
    expect(leaks.map(({ kind, line, column }) => [kind, line, column])).toEqual([
      ['name', 3, 3],
      ['value', 3, 17],
    ]);
  });

  it('finds a value across chunks, wherever it lies, in a file larger than the memory it uses', async () => {
    const chunk = 1 << 20;
    for (const start of [chunk - 1, chunk - 7, chunk - value.length, chunk, 2 * chunk - 3]) {
      const bytes = Buffer.alloc(2 * chunk + 100, 'x');
      bytes.write(value, start);
      expect(await leaksIn(bytes), String(start)).toMatchObject([{ column: start + 1 }]);
    }
  });

  it('finds every random value between random bytes', async () => {
    const values = fc.string({ unit: 'binary', minLength: 8 }).filter((text) => !text.includes('\0'));
    await fc.assert(
      fc.asyncProperty(values, fc.uint8Array(), fc.uint8Array(), async (secret, before, after) => {
        const folder = await folderWith({ a: Buffer.concat([before, Buffer.from(secret), after]) });
        const { leaks } = await scanForSecrets({
          config,
          paths: [folder],
          values: [{ key: 'paymentKey', value: secret }],
        });
        expect(leaks).toHaveLength(1);
      }),
      { numRuns: 50 },
    );
  });

  it('looks for names in what Next.js sends to browsers, and for values everywhere', async () => {
    const content = `"paymentKey"`;
    const folder = await folderWith({
      BUILD_ID: 'b',
      'static/chunks/a.js': content,
      'server/app/page.js': content,
      'server/app/index.html': content,
      'server/app/index.segments/_tree.segment.rsc': content,
      'server/app/api/route.body': content,
      'server/chunks/secret.js': value,
      'cache/fetch-cache/1': value,
      'dev/logs/next-development.log': value,
    });
    const { leaks, files } = await scanForSecrets({ config, paths: [folder], values });
    const found = leaks.map(({ file, kind }) => `${kind} ${file.slice(folder.length + 1)}`);
    expect(found.sort()).toEqual([
      'name server/app/api/route.body',
      'name server/app/index.html',
      'name server/app/index.segments/_tree.segment.rsc',
      'name static/chunks/a.js',
      'value cache/fetch-cache/1',
      'value server/chunks/secret.js',
    ]);
    expect(files).toBe(8);
  });

  it.each([
    ['static/a.js', 'value', 'NEXT_PUBLIC_'],
    ['static/a.js', 'name', 'import type'],
    ['static/a.js.map', 'name', 'source map'],
    ['server/app/a.html', 'value', 'prop of a client component'],
    ['server/app/a.rsc', 'value', 'as a prop'],
    ['server/chunks/a.js', 'value', 'Server code'],
    ['cache/fetch-cache/a', 'value', '"use cache"'],
    ['server/app/api/route.body', 'value', 'static route handler'],
    ['required-server-files.json', 'value', '"env" of next.config'],
    ['standalone/.env.production', 'value', 'A file of variables'],
    ['Dockerfile', 'value', 'written or copied'],
  ])('says how a leak got into %s as a %s', async (file, kind, advice) => {
    const leaks = await leaksIn(kind === 'name' ? '"paymentKey"' : value, file);
    expect(leaks[0]?.advice).toContain(advice);
    expect(formatLeaks(leaks, root)).toMatch(
      new RegExp(`${file}:1:1: the ${kind} of the secret "paymentKey"\n  `),
    );
  });

  it('allows what the list allows, and names its entries without a leak', async () => {
    const text = `"paymentKey" ${value}`;
    const reason = 'It is the name of a form field.';
    expect(await leaksIn(text, 'a/b.js', [{ key: 'paymentKey', file: 'a/b.js', reason }])).toMatchObject([
      { kind: 'value' },
    ]);
    expect(
      await leaksIn(text, 'a/b.js', [{ key: 'paymentKey', kind: 'value', file: /b\.js$/, reason }]),
    ).toMatchObject([{ kind: 'name' }]);
    const allow: AllowedLeak[] = [{ key: 'paymentKey', file: 'c.js', reason }];
    expect(await leaksIn(text, 'a/b.js', allow)).toHaveLength(2);
    const folder = await folderWith({ 'a.js': '' });
    const { unusedAllowances } = await scanForSecrets({ config, paths: [folder], values, allow });
    expect(unusedAllowances).toEqual(allow);
  });

  it('gives advice by the path below the folder, not by the folders above it', async () => {
    for (const above of ['cache', 'server', 'required-server-files']) {
      const parent = await folderWith({ [`${above}/dist/a.js`]: value });
      const { leaks } = await scanForSecrets({ config, paths: [join(parent, above, 'dist')], values });
      expect(leaks[0]?.advice).toContain('VITE_');
    }
  });

  it('allows every file that a global or sticky pattern matches', async () => {
    const folder = await folderWith({ 'a.js': value, 'b.js': value, 'c.js': value });
    for (const flags of ['g', 'y', 'gy']) {
      const allow = [
        { key: 'paymentKey', kind: 'value' as const, file: new RegExp('..js', flags), reason: 'r' },
      ];
      const { leaks } = await scanForSecrets({ config, paths: [folder], values, allow });
      expect(leaks, flags).toEqual([]);
    }
  });

  it('allows a file that is a path itself by its path below the working directory', async () => {
    const cwd = await folderWith({ 'src/a.js': value });
    const allow = [{ key: 'paymentKey', kind: 'value' as const, file: 'src/a.js', reason: 'r' }];
    const paths = [join(cwd, 'src/a.js')];
    expect((await scanForSecrets({ config, paths, values, allow, cwd })).leaks).toEqual([]);
  });

  it('finds a value in the path of a file, and does not print that path', async () => {
    const folder = await folderWith({ 'hooks/a-plain-token.html': 'a-plain-token', 'hooks/b.html': '' });
    const tokens = [{ key: 'paymentKey', value: 'a-plain-token' }];
    const { leaks } = await scanForSecrets({ config, paths: [folder], values: tokens });
    expect(leaks.map(({ advice }) => advice)).toEqual([
      expect.stringContaining('The path of the file'),
      expect.stringContaining('A page was rendered'),
    ]);
    expect(JSON.stringify(leaks) + formatLeaks(leaks, folder)).not.toContain('a-plain-token');
  });

  it('looks for values only if names are allowed everywhere', async () => {
    const folder = await folderWith({ 'a.js': `secret("paymentKey"); ${value}` });
    const { leaks } = await scanForSecrets({ config, paths: [folder], values, names: false });
    expect(leaks.map(({ kind }) => kind)).toEqual(['value']);
  });

  it.each([
    [null, '"allow" must be an array'],
    [[null], 'not a secret in the schema'],
    [[{ key: 'paymentKey', kind: 'values', reason: 'r' }], 'needs "value" or "name" as its "kind"'],
    [[{ key: 'paymentKey', file: 5, reason: 'r' }], 'needs a path or a regular expression as its "file"'],
  ])('refuses %j as "allow"', async (allow, message) => {
    const scan = scanForSecrets({ config, paths: [root], values, allow: allow as never });
    await expect(scan).rejects.toThrow(message);
  });

  it('refuses a text as "paths"', async () => {
    await expect(scanForSecrets({ config, paths: root as never, values })).rejects.toThrow(
      'must be an array',
    );
  });

  it('refuses an allowance without a reason, and one for something else than a secret', async () => {
    const scan = (allow: AllowedLeak[]) => scanForSecrets({ config, paths: [root], values, allow });
    await expect(scan([{ key: 'paymentKey', reason: ' ' }])).rejects.toThrow('needs a "reason"');
    await expect(scan([{ key: 'apiBaseUrl', reason: 'r' }])).rejects.toThrow(
      '"apiBaseUrl", which is not a secret',
    );
  });

  it('refuses a path that does not exist, does not follow links, and ends when it is aborted', async () => {
    await expect(scanForSecrets({ config, paths: [join(root, 'none')], values })).rejects.toThrow(
      'does not exist. Build first',
    );
    const device = scanForSecrets({ config, paths: ['/dev/null'], values });
    await expect(device).rejects.toThrow('is neither a folder nor a file');
    const target = await folderWith({ 'a.js': value });
    const folder = await folderWith({ 'b.js': '' });
    await symlink(target, join(folder, 'link'));
    expect(await scanForSecrets({ config, paths: [folder], values })).toMatchObject({ leaks: [], files: 1 });
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(scanForSecrets({ config, paths: [target], values, signal })).rejects.toThrow('enough');
  });

  it('scans a folder without any secret', async () => {
    const empty = defineConfig({ public: { a: z.string() } });
    const folder = await folderWith({ 'a.js': value, 'b/empty.js': '' });
    expect(await scanForSecrets({ config: empty, paths: [folder], values: [] })).toEqual({
      leaks: [],
      unusedAllowances: [],
      files: 2,
      bytes: Buffer.byteLength(value),
    });
  });
});

describe('findSecretValues', () => {
  it('reads variables, .env files and a bundle, and leaves short values out', async () => {
    const key = createBundleKey();
    const bundle = await sealBundle(
      { public: { apiBaseUrl: 'https://shop.example' }, secret: { paymentKey: 'from-the-bundle' } },
      key,
    );
    const envFolder = await folderWith({
      '.env': 'PAYMENT_KEY=from-the-file\nPASSWORD=short\n',
      '.env.production.local': 'PAYMENT_KEY="from production"\nAPI_BASE_URL=https://shop.example',
    });
    const env = { PAYMENT_KEY: 'from-a-variable', ACCOUNT: '{"user":"the-user-name","id":12345678}' };
    const found = await findSecretValues(config, { env, envFolder, bundle: { bundle, key } });
    expect(found.map((each) => `${each.key}: ${each.value}`).sort()).toEqual([
      'account: the-user-name',
      'account: {"user":"the-user-name","id":12345678}',
      'paymentKey: from production',
      'paymentKey: from-a-variable',
      'paymentKey: from-the-bundle',
      'paymentKey: from-the-file',
    ]);
  });

  it('reads .env files as Vite and Next.js do, of every mode', async () => {
    const envFolder = await folderWith({
      '.env': '\uFEFFPAYMENT_KEY="line one\r\nline two"\r\nPART=a-part\n',
      '.env.staging': `PAYMENT_KEY=see-\${PART}-$OTHER-\${NONE:-default}-\\$5\n`,
      '.env.example': 'PAYMENT_KEY=put-your-key-here\n',
      '.env.loop': `PAYMENT_KEY=loop-\${PAYMENT_KEY}\n`,
      '.env.d/file': '',
    });
    const found = await findSecretValues(config, { env: { OTHER: 'other' }, envFolder });
    const texts = found.map((each) => each.value);
    expect(texts).toEqual(expect.arrayContaining(['line one\nline two', 'see-a-part-other-default-$5']));
    expect(texts).not.toContain('put-your-key-here');
  });

  it('refuses a folder of .env files that does not exist', async () => {
    await expect(findSecretValues(config, { envFolder: join(root, 'none') })).rejects.toThrow(
      'cannot be read (ENOENT)',
    );
  });

  it('names a bundle that cannot be opened', async () => {
    const source = { bundle: { bundle: join(root, 'none.bundle'), key: createBundleKey() } };
    await expect(findSecretValues(config, source)).rejects.toThrow('none.bundle cannot be read (ENOENT)');
  });
});
