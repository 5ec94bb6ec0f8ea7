import { expect, it } from 'vitest';
import { node } from './node.ts';

const install = ['jest@30.5.2', 'jest-environment-jsdom@30'];

node('node-common-js', { type: 'commonjs', install }, (project) => {
  it('runs its tests with Jest', async () => {
    const { output } = await project.run(['npx', 'jest']);
    expect(output).toMatch(/Tests:\s+1 passed/);
  });

  it("runs its tests in Jest's jsdom", async () => {
    await project.run(['npx', 'jest', '--env', 'jsdom']);
  });
});
