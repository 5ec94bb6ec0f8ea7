// Compiles every block of TypeScript in the READMEs and docs, so that an example that does not compile fails CI.
//   node scripts/check-snippets.mjs [document …]   all documents by default
//
// Each block is a module of its own. A first line such as `// app/config.ts` names its file, so that other blocks of
// the document can import it. Directly before a fence:
//   <!-- snippet: continues -->       the block is appended to the module of the block before it
//   <!-- snippet: skip: the reason --> the block is not compiled
// A document whose blocks define no `config.ts` gets the one below, whose keys are then the registered ones.
import { execFile, execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './workspace.mjs';

const folder = join(root, '.snippets');
const patterns = ['README.md', 'docs/*.md', 'packages/*/README.md', 'packages/*/docs/*.md'];
const parallel = 2;

const schema = `import { defineConfig, defineLimit } from '@smooai/config';
import { z } from 'zod';

export const config = defineConfig({
  public: { apiBaseUrl: z.url(), supportEmail: z.email() },
  secrets: { databaseUrl: z.url(), paymentKey: z.string().min(1) },
  flags: { newCheckout: z.boolean().default(false), theme: z.enum(['light', 'dark']).default('light') },
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100 }) },
});
`;
const registration = `declare module '@smooai/config' {
  interface Register { config: typeof config }
}
`;
const tsconfig = JSON.stringify({
  extends: '../../tsconfig.base.json',
  compilerOptions: {
    lib: ['ES2023', 'DOM', 'DOM.Iterable', 'ESNext.Disposable'],
    types: ['node'],
    jsx: 'react-jsx',
    moduleDetection: 'force',
    // As Nest applications are compiled.
    experimentalDecorators: true,
    erasableSyntaxOnly: false,
  },
  include: ['**/*.ts', '**/*.tsx'],
});

function documents() {
  const args = [
    'ls-files',
    '--cached',
    '--others',
    '--exclude-standard',
    ...patterns.map((p) => `:(glob)${p}`),
  ];
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim().split('\n');
}

/** The blocks of a document, each with the number of its first line of code and what the comment before it says. */
function blocksOf(document) {
  const lines = readFileSync(join(root, document), 'utf8').split('\n');
  const blocks = [];
  for (let index = 0; index < lines.length; index += 1) {
    const [, indent, language] = /^(\s*)```(\w*)/.exec(lines[index]) ?? [];
    if (language === undefined) continue;
    const start = index + 1;
    while (index + 1 < lines.length && !lines[index + 1].trim().startsWith('```')) index += 1;
    const code = lines.slice(start, index + 1).map((line) => line.replace(indent, ''));
    index += 1;
    if (language !== 'ts' && language !== 'tsx') continue;
    const [, note] = /^\s*<!-- snippet: (.+) -->$/.exec(lines[start - 2] ?? '') ?? [];
    blocks.push({ start, language, code, note });
  }
  return blocks;
}

/** Sorts the blocks of a document into modules. `lines` has, for each line of a module, its line in the document. */
function modulesOf(document) {
  const modules = [];
  const problems = [];
  let skipped = 0;
  let previous;
  for (const { start, language, code, note } of blocksOf(document)) {
    const place = `${document}:${start}`;
    const numbers = code.map((_, index) => start + 1 + index);
    const [, reason] = /^skip: (.+)$/.exec(note ?? '') ?? [];
    if (reason !== undefined) {
      process.stdout.write(`${place}: skipped: ${reason}\n`);
      skipped += 1;
      previous = undefined;
    } else if (note === 'continues' && previous !== undefined) {
      previous.code.push(...code);
      previous.lines.push(...numbers);
      previous.blocks += 1;
      if (language === 'tsx') previous.file = previous.file.replace(/\.ts$/, '.tsx');
    } else if (note !== undefined) {
      problems.push(`${place}: error: "snippet: ${note}" is unknown, or has no block to continue`);
    } else {
      const [, named] = /^\/\/ ([\w./[\]-]+\.tsx?)\b/.exec(code[0] ?? '') ?? [];
      const isFree = named !== undefined && !modules.some(({ file }) => file === named);
      previous = { file: isFree ? named : `line-${start}.${language}`, code, lines: numbers, blocks: 1 };
      modules.push(previous);
    }
  }
  return { modules, problems, skipped };
}

/** Links every dependency of the packages and apps, and the packages themselves, to where the snippets find them. */
function linkDependencies() {
  const link = (name, target) => {
    const path = join(folder, 'node_modules', name);
    if (existsSync(path)) return;
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(target, path, 'junction');
  };
  const isVisible = (name) => !name.startsWith('.');
  for (const group of ['packages', 'apps']) {
    for (const name of readdirSync(join(root, group)).filter(isVisible)) {
      const workspace = join(root, group, name);
      if (!existsSync(join(workspace, 'package.json'))) continue;
      link(JSON.parse(readFileSync(join(workspace, 'package.json'), 'utf8')).name, workspace);
      const installed = join(workspace, 'node_modules');
      for (const entry of existsSync(installed) ? readdirSync(installed).filter(isVisible) : []) {
        const inScope = entry.startsWith('@') ? readdirSync(join(installed, entry)) : [];
        for (const scoped of inScope) link(`${entry}/${scoped}`, join(installed, entry, scoped));
        if (!entry.startsWith('@')) link(entry, join(installed, entry));
      }
    }
  }
}

/** Compiles the modules of one document as one program; resolves with its problems, as lines to print. */
async function compile(document, modules) {
  const project = join(folder, document.replaceAll('/', '+'));
  const write = (file, text) => {
    mkdirSync(dirname(join(project, file)), { recursive: true });
    writeFileSync(join(project, file), text);
  };
  for (const { file, code } of modules) write(file, code.join('\n'));
  if (!modules.some(({ file }) => file === 'config.ts')) {
    const isRegistered = modules.some(({ code }) => code.some((line) => line.includes('interface Register')));
    write('config.ts', isRegistered ? schema : schema + registration);
    // Where the README of the Next.js adapter has it.
    write('app/schema.ts', "export { config } from '../config';");
    // The one of the README of the NestJS adapter.
    if (!modules.some(({ file }) => file === 'app.module.ts'))
      write('app.module.ts', 'export class AppModule {}');
  }
  write('tsconfig.json', tsconfig);
  const output = await new Promise((resolve) => {
    const args = [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json', '--pretty', 'false'];
    execFile(process.execPath, args, { cwd: project }, (error, stdout, stderr) => {
      resolve(error === null ? '' : stdout + stderr || error.message);
    });
  });
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, file, number, rest] = /^(.+?)\((\d+),\d+\): (.*)$/.exec(line) ?? [];
      const module = modules.find((entry) => entry.file === file);
      return module === undefined
        ? line
        : `${document}:${module.lines[number - 1] ?? module.lines.at(-1)}: ${rest}`;
    });
}

const given = process.argv.slice(2);
const queue = given.length > 0 ? given : documents();
const totals = { snippets: 0, documents: 0, skipped: 0, errors: 0 };
rmSync(folder, { recursive: true, force: true });
try {
  linkDependencies();
  const worker = async () => {
    for (let document = queue.shift(); document !== undefined; document = queue.shift()) {
      const { modules, problems, skipped } = modulesOf(document);
      if (modules.length > 0) problems.push(...(await compile(document, modules)));
      for (const problem of problems) process.stdout.write(`${problem}\n`);
      totals.snippets += modules.reduce((sum, { blocks }) => sum + blocks, 0);
      totals.documents += modules.length > 0 ? 1 : 0;
      totals.skipped += skipped;
      totals.errors += problems.filter((problem) => /^\S.*\berror\b/.test(problem)).length;
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const { snippets, documents: count, skipped, errors } = totals;
process.stdout.write(`${snippets} snippets in ${count} documents, ${skipped} skipped, ${errors} errors.\n`);
process.exitCode = errors > 0 || snippets === 0 ? 1 : 0;
