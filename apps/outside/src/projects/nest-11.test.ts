import { expect, it } from 'vitest';
import { type NestOptions, nest } from './nest.ts';

// CommonJS, TypeScript 5.9, Jest.
const options: NestOptions = {
  cli: '11.0.13',
  transports: {
    apollo: '13.4.5',
    config: '4.0.4',
    graphql: '13.4.5',
    microservices: '11.2.6',
    'platform-socket.io': '11.2.6',
    schedule: '6.1.3',
    swagger: '11.4.7',
    terminus: '11.1.1',
    websockets: '11.2.6',
  },
  testTransports: ['npx', 'jest', '--config', 'test/transports/jest.json'],
  install: ['@swc/jest@0.2.39', '@swc/core@1'],
};

nest('nest-11', options, (project) => {
  it('runs its tests with @swc/jest instead of ts-jest', async () => {
    const { output } = await project.run(['npx', 'jest', '--config', 'jest.swc.json']);
    expect(output).toMatch(/Tests:\s+2 passed/);
  });

  it('compiles with the tsconfig of older Nest projects: module commonjs, node10 resolution', async () => {
    await project.run(['npx', 'tsc', '-p', 'tsconfig.classic.json']);
  });
});
