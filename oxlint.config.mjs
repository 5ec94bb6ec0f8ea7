// Lint rules, and the layers of core and server: a room may import the rooms below it, never one above or beside it.
// Rooms are folders or files of `src`, from the top; docs/architecture.md says what each is for.
const layers = {
  core: [
    ['index', 'server', 'browser', 'testing'],
    ['client'],
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
    ['index', 'main', 'create-config-server', 'create-app', 'server-options', 'bootstrap'],
    ['routes'],
    ['http'],
    ['auth'],
    ['domain'],
    ['storage'],
    ['lib', 'errors', 'principal', 'server-logger'],
  ],
};

/** Rooms at the two ends, whose members may import each other. */
const isOpen = (floors, index) => index === 0 || index === floors.length - 1;

function layerRules(name, floors) {
  const source = `packages/${name}/src`;
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
