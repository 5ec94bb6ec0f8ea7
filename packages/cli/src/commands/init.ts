import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import { fileProblem } from '../files.ts';
import type { CommandContext } from '../program/command-context.ts';

const DEFAULT_FILE = 'src/config.ts';

const SCHEMA = `import { defineConfig, defineLimit } from '@smooai/config';
import { z } from 'zod';

export const config = defineConfig({
  // Values that browsers may read.
  public: { apiBaseUrl: z.url().default('http://localhost:3000') },
  // Values that never leave the server.
  secrets: { databaseUrl: z.url().optional() },
  // One value for everyone, or targeting that picks one for each context.
  flags: { newCheckout: z.boolean().default(false) },
  // Numbers with bounds.
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100 }) },
});

// Types every client, hook and decorator.
declare module '@smooai/config' {
  interface Register {
    config: typeof config;
  }
}
`;

/** `init`: writes a schema file to start from, and prints the next steps. Never overwrites a file. */
export async function runInit(context: CommandContext, file: string = DEFAULT_FILE): Promise<void> {
  const path = resolve(context.io.cwd, file);
  if (!/\.m?ts$/.test(file)) {
    throw new UsageError(
      `${file} does not end with .ts. The schema is a TypeScript module, such as ${DEFAULT_FILE}.`,
    );
  }
  try {
    await mkdir(dirname(path), { recursive: true });
    // The flag makes it fail if the file exists.
    await writeFile(path, SCHEMA, { flag: 'wx' });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      throw new UsageError(
        `${file} exists already, and was not changed. Pass another name: smooai-config init FILE`,
      );
    }
    throw new UsageError(`${file} cannot be written: ${fileProblem(error)}.`);
  }
  const steps = [
    'npm install @smooai/config zod',
    'npx --package @smooai/config-server smooai-config-server',
    'npx smooai-config login --credentials smooai-config.db.credentials.json',
    `npx smooai-config push ${file}`,
    'npx smooai-config set flags.newCheckout true',
  ];
  const notes = [
    '',
    'in another terminal; skip it if you have a config server',
    'or the file of your server',
    '',
    '',
  ];
  const width = Math.max(...steps.map((step) => step.length));
  const lines = steps.map((step, index) => {
    const note = notes[index] ?? '';
    return `  ${note === '' ? step : `${step.padEnd(width)}  # ${note}`}`;
  });
  const text = [context.colors.green(`Created ${file}.`), 'Next steps:', ...lines].join('\n');
  context.print(text, { file, nextSteps: steps });
}
