import Module, { createRequire } from 'node:module';

// Packages that are loaded with `require`, such as react-dom and Testing Library, get React 18 too.
const { resolve } = createRequire(import.meta.url);
const loader = Module as unknown as { _resolveFilename: (request: string, ...rest: unknown[]) => string };
const resolveFilename = loader._resolveFilename;
loader._resolveFilename = (request, ...rest) =>
  /^react(?:-dom)?(?:\/|$)/.test(request)
    ? resolve(request.replace(/^react(?:-dom)?/, '$&-18'))
    : resolveFilename.call(loader, request, ...rest);
