import { expect } from 'vitest';
import { knownFault } from '../harness/known-fault.ts';
import { node } from './node.ts';

node('node-esm', { type: 'module' }, (project) => {
  knownFault('arktype-default', "says what is wrong with arktype's .default(false) on a flag", async () => {
    const { output } = await project.run(['node', 'arktype/default.js']);
    expect(output).not.toContain('has no validator');
  });
});
