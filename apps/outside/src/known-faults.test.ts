import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { knownFaults } from './known-faults.ts';

it('every known fault is shown by the project that it names', () => {
  const folder = new URL('projects/', import.meta.url);
  const projects = readdirSync(folder);
  for (const [id, { project }] of Object.entries(knownFaults)) {
    const file = projects.find((name) => name === `${project}.test.ts`);
    expect(file, `${id} names ${project}`).toBeDefined();
    expect(readFileSync(new URL(`${project}.test.ts`, folder), 'utf8')).toContain(`'${id}'`);
  }
});
