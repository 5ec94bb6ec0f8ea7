interface Builtins {
  'node:fs/promises': typeof import('node:fs/promises');
  'node:os': typeof import('node:os');
  'node:path': typeof import('node:path');
  'node:url': typeof import('node:url');
}

/**
 * Loads a Node.js module at run time, without an import that a bundler would see: the same code can be bundled for
 * runtimes without a file system. Returns undefined there.
 */
export function nodeBuiltin<Name extends keyof Builtins>(name: Name): Builtins[Name] | undefined {
  const { process: runtime } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  return runtime?.getBuiltinModule?.(name) as Builtins[Name] | undefined;
}
