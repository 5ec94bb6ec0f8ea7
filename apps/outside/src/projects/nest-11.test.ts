import { expect, it } from 'vitest';
import { nest } from './nest.ts';

// CommonJS, TypeScript 5.9, Jest.
nest('nest-11', { cli: '11.0.13', install: ['@swc/jest@0.2.39', '@swc/core@1'] }, (project) => {
  it('runs its tests with @swc/jest instead of ts-jest', async () => {
    const { output } = await project.run(['npx', 'jest', '--config', 'jest.swc.json']);
    expect(output).toMatch(/Tests:\s+2 passed/);
  });

  it('compiles with the tsconfig of older Nest projects: module commonjs, node10 resolution', async () => {
    await project.run(['npx', 'tsc', '-p', 'tsconfig.classic.json']);
  });
});
