// A schema with ten secrets.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const { defineConfig } = await import(
  pathToFileURL(resolve(import.meta.dirname, '../../packages/core/dist/index.js')).href
);
const text = { '~standard': { version: 1, vendor: 'benchmark', validate: (value) => ({ value }) } };
const names = Array.from({ length: 10 }, (_, index) => `secretOfService${index}`);

export const config = defineConfig({ secrets: Object.fromEntries(names.map((name) => [name, text])) });
