// What the types of a schema cost: `node packages/core/scripts/measure-types.mjs [keys …]`, by default 50 250 500.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Compiles a schema of that many keys, each read once, and returns what tsc says of it. */
export async function measureTypes(keys) {
  // Within the package, so that imports resolve as its own do.
  const folder = await mkdtemp(join(root, '.types-'));
  try {
    const compilerOptions = { noEmit: true, declaration: false, isolatedDeclarations: false };
    const options = { extends: '../tsconfig.json', compilerOptions, include: ['schema.ts'] };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(options));
    await writeFile(join(folder, 'schema.ts'), schemaText(keys));
    const output = await compile(join(folder, 'tsconfig.json'));
    const number = (name) => Number(new RegExp(`^${name}:\\s+([\\d.]+)`, 'm').exec(output)?.[1]);
    return {
      keys,
      errors: output.split('\n').filter((line) => line.includes(`${basename(folder)}/schema.ts(`)),
      instantiations: number('Instantiations'),
      types: number('Types'),
      checkSec: number('Check time'),
      totalSec: number('Total time'),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function compile(project) {
  const arguments_ = [join(root, 'node_modules/typescript/bin/tsc'), '-p', project, '--extendedDiagnostics'];
  return new Promise((resolve) => {
    execFile(process.execPath, arguments_, { cwd: root, timeout: 120_000 }, (_, stdout) => resolve(stdout));
  });
}

/** Keys of every tier and kind, by three libraries, and one typed read of each. */
function schemaText(keys) {
  const kinds = [
    ['secrets', 'secret', () => 'z.string().min(1)'],
    ['flags', 'flag', () => 'z.boolean().default(false)'],
    ['flags', 'flag', (index) => `z.enum(['a', 'b', 'c${index}']).default('a')`],
    [
      'public',
      'public',
      (index) => `z.object({ host: z.url(), port${index}: z.coerce.number().default(1) })`,
    ],
    ['flags', 'flag', (index) => `v.optional(v.picklist(['x', 'y${index}']), 'x')`],
    ['public', 'public', (index) => `v.object({ name${index}: v.pipe(v.string(), v.minLength(1)) })`],
    ['public', 'public', (index) => `type({ name${index}: 'string', 'age?': 'number' })`],
    ['limits', 'limit', (index) => `defineLimit({ default: ${index} })`],
  ];
  const tiers = { public: [], secrets: [], flags: [], limits: [] };
  const reads = [];
  for (let index = 0; index < keys; index += 1) {
    const [tier, method, validator] = kinds[index % kinds.length];
    tiers[tier].push(`    key${index}: ${validator(index)},`);
    const context = method === 'flag' || method === 'limit' ? `, { userId: 'u' }` : '';
    reads.push(`export const read${index} = client.${String(method)}('key${index}'${context});`);
  }
  const body = Object.entries(tiers).map(([tier, lines]) => `  ${tier}: {\n${lines.join('\n')}\n  },`);
  return `import { type } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';
import { defineConfig, defineLimit } from '../src/index.ts';
import { createConfigClient } from '../src/server.ts';

const config = defineConfig({
  context: z.object({ userId: z.string(), country: z.string().optional() }),
${body.join('\n')}
});
const client = createConfigClient({ config });
${reads.join('\n')}
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const given = process.argv.slice(2).map(Number);
  for (const keys of given.length > 0 ? given : [0, 50, 250, 500]) {
    const { errors, ...measured } = await measureTypes(keys);
    process.stdout.write(`${JSON.stringify(measured)}\n`);
    for (const error of errors.slice(0, 5)) process.stdout.write(`${error}\n`);
    if (errors.length > 0) process.exitCode = 1;
  }
}
