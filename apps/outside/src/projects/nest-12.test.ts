import { nest } from './nest.ts';

// ESM, TypeScript 6, Vitest.
nest('nest-12', {
  cli: '12.0.8',
  transports: {
    apollo: '14.0.3',
    config: '12.0.1',
    graphql: '14.0.3',
    microservices: '12.1.1',
    'platform-socket.io': '12.1.1',
    schedule: '12.0.2',
    swagger: '12.0.2',
    terminus: '12.1.0',
    websockets: '12.1.1',
  },
  testTransports: ['npx', 'vitest', 'run', '--config', 'test/transports/vitest.config.mts'],
});
