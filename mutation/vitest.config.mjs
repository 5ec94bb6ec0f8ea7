// The package's own vitest configuration with the tests of one room, without type checks and reports. Stryker runs it in a copy
// of the package, so the working directory names the package.
import { join, relative } from 'node:path';
import { loadConfigFromFile } from 'vite';

const env = { command: 'serve', mode: 'test' };
const { config } = await loadConfigFromFile(env, join(process.cwd(), 'vitest.config.ts'));

/** The longest run of each test file so far, in milliseconds. */
const durations = new Map();

/** Runs the quickest files first: most mutants are noticed by one of them, and the rest then need not run. */
class QuickestFirst {
  constructor(context) {
    this.context = context;
  }

  async shard(files) {
    return files;
  }

  async sort(files) {
    const { cache, config } = this.context;
    const keyOf = ({ project, moduleId }) => `${project.name}:${relative(config.root, moduleId)}`;
    const durationOf = (file) => durations.get(keyOf(file)) ?? 0;
    for (const file of files) {
      const latest = cache.getFileTestResults(keyOf(file))?.duration ?? 0;
      durations.set(keyOf(file), Math.max(latest, durationOf(file)));
    }
    return [...files].sort((a, b) => durationOf(a) - durationOf(b));
  }
}

/** Some tests need a process of their own: in a worker thread, `process.umask` throws. Stryker asks for threads. */
const pool = {
  name: 'pool',
  configureVitest({ project }) {
    project.config.pool = process.env.MUTATION_POOL;
  },
};

export default {
  ...config,
  plugins: [pool],
  // In Stryker's copy, so that it is deleted with it.
  cacheDir: join(process.cwd(), '.vite'),
  test: {
    ...config.test,
    include: JSON.parse(process.env.MUTATION_TESTS),
    typecheck: { enabled: false },
    reporters: [],
    // A mutant that makes a test wait forever costs this much in each test, so it is half of what the packages allow. 5 s are too
    // few: with Stryker's counters in the code, on a busy machine, the search through megabytes takes longer without a mutant.
    // Tests that set a limit of their own keep it.
    testTimeout: 15_000,
    hookTimeout: 15_000,
    sequence: { sequencer: QuickestFirst },
  },
};
