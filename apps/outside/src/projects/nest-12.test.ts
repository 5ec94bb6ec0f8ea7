import { nest } from './nest.ts';

// ESM, TypeScript 6, Vitest.
nest('nest-12', { cli: '12.0.8' });
