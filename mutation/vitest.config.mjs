// The package's own vitest configuration with the tests of one room, without type checks and reports. Stryker runs it in a copy
// of the package, so the working directory names the package.
import { join } from 'node:path';
import { loadConfigFromFile } from 'vite';

const env = { command: 'serve', mode: 'test' };
const { config } = await loadConfigFromFile(env, join(process.cwd(), 'vitest.config.ts'));

export default {
  ...config,
  test: {
    ...config.test,
    include: JSON.parse(process.env.MUTATION_TESTS),
    typecheck: { enabled: false },
    reporters: [],
  },
};
