// What is stored on a config server before it is measured.

import { start } from './children.mjs';
import { FLAGS, flagOf } from './flags.mjs';

/** Starts the config server of a build, with the 500 flags; `variables` say where it stores them. */
export async function startShop(dist, variables = {}) {
  const server = await start('config-server.mjs', { DIST: dist, ...variables });
  const token = await tokenOf(server);
  const api = apiOf(server, token);
  const environments = await api('GET', '/environments');
  const environmentId = environments.find(({ name }) => name === 'development').id;
  const { id: schemaId } = await api('POST', '/schemas', { name: 'shop', jsonSchema: schemaDocument() });
  const write = (key, value, tier) => ({ schemaId, environmentId, key, value, tier });
  const flag = (key, turn) => write(key, flagOf(turn), 'feature_flag');
  await api('PUT', '/values/bulk', { values: FLAGS.map((key) => flag(key, 0)) });
  return {
    ...server,
    token,
    api,
    base: `/organizations/${server.organizationId}/config`,
    flip: (turn) => api('PUT', '/values', flag(FLAGS[0], turn)),
    setText: (key, value) => api('PUT', '/values', write(key, value, 'public')),
  };
}

export async function tokenOf({ url, clientId, clientSecret }) {
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret };
  const response = await fetch(`${url}/token`, { method: 'POST', body: new URLSearchParams(form) });
  return (await response.json()).access_token;
}

export function apiOf({ url, organizationId }, token) {
  return async (method, path, body) => {
    const response = await fetch(`${url}/organizations/${organizationId}/config${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
}

/** How many texts there are for rows that need a large ruleset. */
export const TEXTS = 50;

function schemaDocument() {
  const group = (names, schema) => ({
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name, schema])),
  });
  const texts = Array.from({ length: TEXTS }, (_, index) => `text${index}`);
  return {
    type: 'object',
    properties: {
      publicConfigSchema: group(texts, { type: 'string' }),
      secretConfigSchema: group([], {}),
      featureFlagSchema: group(FLAGS, { type: 'number' }),
      limitsSchema: group([], {}),
    },
  };
}
