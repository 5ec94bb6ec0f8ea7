interface Builtins {
  'node:fs/promises': typeof import('node:fs/promises');
  'node:os': typeof import('node:os');
  'node:path': typeof import('node:path');
}

/**
 * A module of Node, asked for at run time: no bundler sees an import, so that the same code is built for runtimes
 * without a file system, where it is undefined.
 */
export function nodeBuiltin<Name extends keyof Builtins>(name: Name): Builtins[Name] | undefined {
  const { process: runtime } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  return runtime?.getBuiltinModule?.(name) as Builtins[Name] | undefined;
}
