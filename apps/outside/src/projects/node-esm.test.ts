import { expect, it } from 'vitest';
import { node } from './node.ts';

node('node-esm', { type: 'module' }, (project) => {
  it("says what is wrong with arktype's .default(false) on a flag", async () => {
    const { output } = await project.run(['node', 'arktype/default.js']);
    expect(output).toMatch(/arktype's \.default.*\.pipe\(\(value\) => value \?\? false\)/);
  });
});
