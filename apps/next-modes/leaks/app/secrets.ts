import { createNextConfig } from '@smooai/config-next/server';
import { config } from './schema';

/** Of a config server that is down, so that the bundled value serves: no variable of the build has it. */
export const { secret } = createNextConfig({
  config,
  clientOptions: {
    apiUrl: 'http://127.0.0.1:9',
    organizationId: 'shop',
    clientId: 'shop',
    clientSecret: 'not-used',
    bundled: { defaults: { secrets: { signingKey: ['read', 'from', 'a', 'server'].join('-') } } },
  },
});
