import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

// Nest 11 is that of this folder, which OpenFeature needs; Nest 12 is that of the workspace.
const home = process.env.NEST === '12' ? '../../packages/nestjs/dist/' : './';
const resolver = createRequire(new URL(home, import.meta.url));

/** Imports a package as the measured version of Nest sees it. */
export function load(name) {
  if (process.env.NEST === '12' && name === '@smooai/config-nestjs') {
    return import(new URL('index.js', new URL(home, import.meta.url)).href);
  }
  return import(pathToFileURL(resolver.resolve(name)).href);
}
