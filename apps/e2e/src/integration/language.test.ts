import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';

const script = fileURLToPath(new URL('../../../../scripts/check-language.mjs', import.meta.url));

/** Checks a file with this text, and returns the exit code and the phrases that are found. */
async function check(name: string, text: string): Promise<{ code: number; found: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'smooai-config-language-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, name);
  await writeFile(file, text);
  return new Promise((resolve) => {
    execFile(process.execPath, [script, file], (error, stdout) => {
      const found = [...stdout.matchAll(/:(\d+): "([^"]+)": say /g)].map(
        ([, line, phrase]) => `${line} ${phrase}`,
      );
      resolve({ code: error === null ? 0 : Number(error.code), found });
    });
  });
}

// Joined here, so that this file does not contain the phrases.
const planted = [
  ['Next ans', 'wers HEAD with GET'],
  ['the server ans', 'wers the request'],
  ['a request that was ans', 'wered'],
  ['this is ', 'no list'],
  ['', 'who', 'ever calls'],
  ['be ', 'it one or two'],
  ['the end there', 'of'],
].map((parts) => parts.join(''));

describe('the check of the language', () => {
  it.each(planted)('finds "%s" in comments, strings, templates and documents', async (phrase) => {
    const inCode = await check(
      'a.ts',
      `// ${phrase}\nconst a = '${phrase}';\nconst b = \`\${a} ${phrase}\`;\n`,
    );
    expect(inCode.code).toBe(1);
    expect(inCode.found.map((line) => line.split(' ')[0])).toEqual(['1', '2', '3']);
    const inDocument = await check('a.md', `# Title\n\nHere ${phrase}.\n`);
    expect(inDocument.code).toBe(1);
    expect(inDocument.found).toHaveLength(1);
  });

  it('finds nothing in plain English, identifiers and inline code', async () => {
    const code =
      '// The answers for a context.\nconst ans' + 'wered = 1;\nconst text = "is no longer used";\n';
    expect(await check('a.ts', code)).toEqual({ code: 0, found: [] });
    const text = '## Answers\n\nA document may quote `who' + 'ever`.\n';
    expect(await check('a.md', text)).toEqual({ code: 0, found: [] });
  });
});
