import { createRequire } from 'node:module';
import type { Plugin } from 'vite';

interface Babel {
  readonly transformAsync: (code: string, options: object) => Promise<{ code: string; map: string }>;
}

// Babel has no types of its own.
const { transformAsync } = createRequire(import.meta.url)('@babel/core') as Babel;

/** Compiles the package and its tests with the React Compiler. */
export function reactCompiler(): Plugin {
  return {
    name: 'react-compiler',
    enforce: 'pre',
    transform(code, id) {
      const [filename = ''] = id.split('?');
      if (!/react\/src\/[^/]+\.tsx?$/.test(filename)) return undefined;
      return transformAsync(code, {
        filename,
        babelrc: false,
        configFile: false,
        sourceMaps: true,
        parserOpts: { plugins: filename.endsWith('x') ? ['typescript', 'jsx'] : ['typescript'] },
        plugins: ['babel-plugin-react-compiler'],
      });
    },
  };
}
