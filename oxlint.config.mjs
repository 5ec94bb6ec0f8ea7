// Lint rules, and the layers of core and server: a room may import the rooms below it, never one above or beside it.
// Rooms are folders or files of `src`, from the top; docs/architecture.md says what each is for.
import { readdirSync } from 'node:fs';

const layers = {
  core: [
    ['index', 'server', 'browser', 'testing', 'leak-scan'],
    ['client', 'leaks'],
    ['sources'],
    ['api', 'disk-cache', 'snapshot'],
    ['ruleset'],
    ['token', 'schema'],
    ['evaluation'],
    ['settings'],
    ['http', 'lib'],
    ['errors', 'wire', 'tiers', 'environment-variable'],
  ],
  server: [
    [
      'index',
      'main',
      'create-config-server',
      'create-app',
      'server-options',
      'webhook-flags',
      'data-commands',
      'bootstrap',
    ],
    ['metrics'],
    ['routes', 'webhooks'],
    ['http'],
    ['auth'],
    ['domain'],
    ['storage'],
    ['lib', 'errors', 'package-version', 'principal', 'server-logger'],
  ],
};

/** Rooms at the two ends, whose members may import each other. */
const isOpen = (floors, index) => index === 0 || index === floors.length - 1;

/** Folders for tests alone, which may import every room. */
const forTests = ['test-support', 'testdata'];

/** A new file or folder of `src` must get its floor, or it would be bound by no rule. */
function requireFloors(source, floors) {
  const folder = new URL(`${source}/`, import.meta.url);
  for (const entry of readdirSync(folder)) {
    const room = entry.replace(/\.ts$/, '');
    if (entry.includes('.test') || forTests.includes(room) || floors.flat().includes(room)) continue;
    throw new Error(`${source}/${entry} has no floor. Add "${room}" to the layers in oxlint.config.mjs.`);
  }
}

function layerRules(name, floors) {
  const source = `packages/${name}/src`;
  requireFloors(source, floors);
  return floors.flatMap((rooms, index) =>
    rooms.map((room) => {
      const beside = isOpen(floors, index) ? [] : rooms.filter((other) => other !== room);
      const forbidden = [...floors.slice(0, index).flat(), ...beside];
      const group = forbidden.flatMap((other) => [`**/${other}/**`, `**/${other}.ts`]);
      const message = `In ${source}, ${room} is below these rooms. Move the shared code down, or pass it in from above.`;
      return {
        files: [`${source}/${room}.ts`, `${source}/${room}/**/*.ts`],
        excludeFiles: ['**/*.test.ts', '**/*.test-d.ts'],
        rules:
          group.length === 0
            ? {}
            : { 'no-restricted-imports': ['error', { patterns: [{ group, message }] }] },
      };
    }),
  );
}

export default {
  plugins: ['typescript', 'import', 'promise'],
  categories: { correctness: 'error' },
  rules: {
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
    'import/no-cycle': ['error', { ignoreTypes: false }],
    'promise/no-multiple-resolved': 'error',
  },
  overrides: Object.entries(layers).flatMap(([name, floors]) => layerRules(name, floors)),
  ignorePatterns: ['**/dist/**', '**/.next/**', 'apps/outside/fixtures/**'],
};
