// The config server of the measured app: in this process, in memory.

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const packages = resolve(import.meta.dirname, '../../packages');
const load = (file) => import(pathToFileURL(resolve(packages, file)).href);

/** Starts a config server with a rule for each of the app's flags. */
export async function startShop(appFolder) {
  const { createConfigServer } = await load('server/dist/index.js');
  const { ConfigApi, TokenProvider } = await load('core/dist/server.js');
  const { toJsonSchema } = await load('core/dist/index.js');
  const { measuredConfig } = await import(pathToFileURL(resolve(appFolder, 'schema.mjs')).href);
  const { FLAG_KEYS } = await import(pathToFileURL(resolve(appFolder, 'keys.mjs')).href);

  const server = await createConfigServer({ env: {} });
  const { apiUrl, authUrl, organizationId, clientId, clientSecret } = server.credentials;
  const tokenProvider = new TokenProvider({ authUrl, clientId, clientSecret });
  const api = new ConfigApi({ apiUrl, organizationId, tokenProvider });
  const { id: schemaId } = await api.createSchema({
    name: 'measured',
    jsonSchema: toJsonSchema(measuredConfig),
  });
  const environments = await api.listEnvironments();
  const environmentId = environments.find(({ name }) => name === 'development').id;
  const write = (key, value, tier) => ({ schemaId, environmentId, key, value, tier });
  await api.setValues([
    ...FLAG_KEYS.map((key) => write(key, onlyFor('measured'), 'feature_flag')),
    write('betaShop', false, 'feature_flag'),
  ]);
  return {
    env: {
      SMOOAI_CONFIG_API_URL: apiUrl,
      SMOOAI_CONFIG_AUTH_URL: authUrl,
      SMOOAI_CONFIG_ORG_ID: organizationId,
      SMOOAI_CONFIG_CLIENT_ID: clientId,
      SMOOAI_CONFIG_CLIENT_SECRET: clientSecret,
      SMOOAI_CONFIG_ENV: 'development',
    },
    setItems: (items) => api.setValue(write('cartItems', items, 'limit')),
    close: () => server.close(),
  };
}

function onlyFor(userId) {
  const when = { attribute: 'userId', op: 'in', values: [userId] };
  return { $cohort: { rules: [{ id: 'one-user', when, value: true }], defaultValue: false } };
}
