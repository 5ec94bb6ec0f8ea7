// Sets up the demo on a config server, through its public API: the first values and the clients of the apps.
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { appNames } from './demo-apps.mjs';

/** The environment of the demo apps. */
export const demoEnvironment = 'development';
/** The name under which the demo's schema is pushed. */
export const demoSchema = 'shop';

/** The first values. `freeShipping` is targeted: on for everyone in the Netherlands and for half of the others. */
function firstValues(apiBaseUrl) {
  return {
    public: { apiBaseUrl, supportEmail: 'hello@shop.example' },
    secret: {
      paymentKey: 'demo-payment-key-not-a-real-one',
      databaseUrl: 'postgres://shop:demo@db.internal.example:5432/shop',
    },
    feature_flag: {
      newCheckout: false,
      theme: 'light',
      freeShipping: {
        $cohort: {
          rules: [
            {
              id: 'netherlands',
              when: { attribute: 'country', op: 'in', values: ['NL'], ignoreCase: true },
              value: true,
            },
          ],
          rollout: {
            variants: [
              { value: true, weight: 50 },
              { value: false, weight: 50 },
            ],
          },
          defaultValue: false,
        },
      },
    },
    limit: { cartItems: 20 },
  };
}

/** The config API with the demo's administrator credentials. */
export async function adminApi(credentialsFile) {
  const { ConfigApi, TokenProvider } = await import('../packages/core/dist/server.js');
  const credentials = JSON.parse(await readFile(credentialsFile, 'utf8'));
  const { apiUrl, authUrl, organizationId, clientId, clientSecret } = credentials;
  const tokenProvider = new TokenProvider({ authUrl, clientId, clientSecret });
  return new ConfigApi({ apiUrl, organizationId, tokenProvider });
}

/** Sets the values that are not set yet, so that a second start keeps a visitor's changes. */
export async function seedValues(api, { apiBaseUrl }) {
  // Visitors may have pushed schemas of their own.
  const schema = (await api.listSchemas()).find(({ name }) => name === demoSchema);
  const environment = (await api.listEnvironments()).find(({ name }) => name === demoEnvironment);
  const stored = await api.listValues(demoEnvironment);
  const values = [];
  for (const [tier, entries] of Object.entries(firstValues(apiBaseUrl))) {
    for (const [key, value] of Object.entries(entries)) {
      // The shop API's port may have changed. An address that a visitor set is kept.
      const isAddress =
        key === 'apiBaseUrl' && /^http:\/\/127\.0\.0\.1:\d+$/.test(stored[key]) && stored[key] !== value;
      if (!(key in stored) || isAddress) {
        values.push({ schemaId: schema.id, environmentId: environment.id, key, value, tier });
      }
    }
  }
  if (values.length > 0) await api.setValues(values);
}

/** Makes new credentials for the three apps, with as few rights as possible, and revokes those of an earlier start. */
export async function createAppClients(api, { backOfficeOrigin }) {
  const wanted = [
    { type: 'm2m', name: `${appNames.next} (demo)`, scopes: ['config:read'] },
    { type: 'm2m', name: `${appNames.nest} (demo)`, scopes: ['config:read'] },
    {
      type: 'b2m',
      name: `${appNames.react} (demo)`,
      allowedOrigins: [backOfficeOrigin, backOfficeOrigin.replace('127.0.0.1', 'localhost')],
    },
  ];
  for (const client of await api.listAuthClients()) {
    const isOurs = wanted.some(({ name }) => name === client.name);
    if (isOurs && !client.revokedAt) await api.revokeAuthClient(client.id);
  }
  const created = [];
  for (const client of wanted) {
    created.push(await api.createAuthClient({ ...client, environments: [demoEnvironment] }));
  }
  const [storefront, shopApi, backOffice] = created;
  return { storefront, shopApi, backOffice };
}

/** Waits until the server is ready, after a restart for example. */
export async function untilReady(url, timeoutMs) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) });
      if (response.ok) return;
    } catch {
      // It does not listen yet.
    }
    if (Date.now() > deadline)
      throw new Error(`The config server was not ready at ${url} within ${timeoutMs / 1000} s.`);
    await sleep(100);
  }
}
