import { Agent, request } from 'node:http';
import { ClientSecretCredential } from '@azure/identity';
import { memoize } from '@smithy/property-provider';
import { OAuth2Client } from 'google-auth-library';
import { ClientCredentials } from 'simple-oauth2';

/*
 * A candidate: make({ url, windowSec }) returns a function that gets a token, as users of the library would call it. A
 * candidate with a `windowSec` has a refresh window of its own, which cannot be set.
 */

const CREDENTIALS = { clientId: 'client', clientSecret: 'secret' };

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

/** Ten thousand connections at once would measure the sockets of the machine. */
const agent = new Agent({ keepAlive: true, maxSockets: 200 });

async function exchange(url) {
  const form = {
    grant_type: 'client_credentials',
    client_id: CREDENTIALS.clientId,
    client_secret: CREDENTIALS.clientSecret,
  };
  const answer = await post(`${url}/token`, new URLSearchParams(form).toString());
  const { access_token: value, expires_in: expiresIn } = JSON.parse(answer);
  return { value, expiresAt: Date.now() + expiresIn * 1000 };
}

/** The floor: an async function with one field. It does not know that tokens expire. */
export const byHand = {
  name: 'by hand, one field',
  make({ url }) {
    let token;
    return async () => {
      if (token !== undefined) return token;
      token = (await exchange(url)).value;
      return token;
    };
  },
};

/** The same with a check of the expiry, as most people write it. */
export const byHandWithExpiry = {
  name: 'by hand, with expiry',
  make({ url, windowSec }) {
    let cached;
    return async () => {
      if (cached !== undefined && Date.now() < cached.expiresAt - windowSec * 1000) return cached.value;
      cached = await exchange(url);
      return cached.value;
    };
  },
};

export function ours({ TokenProvider }) {
  const make =
    (call) =>
    ({ url, windowSec }) => {
      const provider = new TokenProvider({ authUrl: url, ...CREDENTIALS, refreshWindowSec: windowSec });
      return call(provider);
    };
  return [
    { name: '@smooai/config', make: make((provider) => () => provider.getAccessToken()) },
    {
      name: '@smooai/config, with a signal',
      make: make((provider) => {
        const { signal } = new AbortController();
        const options = { signal };
        return () => provider.getAccessToken(options);
      }),
    },
  ];
}

/** It has no client credentials for an arbitrary issuer; refreshing a refresh token comes closest. */
export const google = {
  name: 'google-auth-library, refresh token',
  make({ url, windowSec }) {
    const client = new OAuth2Client({
      ...CREDENTIALS,
      endpoints: { oauth2TokenUrl: `${url}/token` },
      eagerRefreshThresholdMillis: windowSec * 1000,
    });
    client.setCredentials({ refresh_token: 'refresh' });
    return async () => (await client.getAccessToken()).token;
  },
};

/** What its users write for any other grant. */
export const googleHandler = {
  name: 'google-auth-library, refreshHandler',
  make({ url, windowSec }) {
    const client = new OAuth2Client({ eagerRefreshThresholdMillis: windowSec * 1000 });
    client.refreshHandler = async () => {
      const { value, expiresAt } = await exchange(url);
      return { access_token: value, expiry_date: expiresAt };
    };
    return async () => (await client.getAccessToken()).token;
  },
};

export const smithy = {
  name: '@smithy/property-provider',
  make({ url, windowSec }) {
    const get = memoize(
      () => exchange(url),
      (token) => token.expiresAt - Date.now() < windowSec * 1000,
      () => true,
    );
    return async () => (await get()).value;
  },
};

/** simple-oauth2 copies its options deeply, and a copied agent loses its connections. A function is not copied. */
const uncopiedAgent = Object.assign(() => undefined, {
  addRequest: (...request) => agent.addRequest(...request),
  defaultPort: 80,
  protocol: 'http:',
});

/** As in its documentation. It does not keep a token. */
export const simpleOAuth2 = {
  name: 'simple-oauth2',
  make({ url, windowSec }) {
    const { clientId: id, clientSecret: secret } = CREDENTIALS;
    const client = new ClientCredentials({
      client: { id, secret },
      auth: { tokenHost: url, tokenPath: '/token' },
      http: { agent: uncopiedAgent },
    });
    let token;
    return async () => {
      if (token === undefined || token.expired(windowSec)) token = await client.getToken({});
      return token.token.access_token;
    };
  },
};

/**
 * It accepts https only, so its own `httpClient` option carries each request to the loopback issuer. Its refresh window
 * is five minutes.
 */
export const azure = {
  name: '@azure/identity',
  windowSec: 300,
  make({ url }) {
    const credential = new ClientSecretCredential('tenant', CREDENTIALS.clientId, CREDENTIALS.clientSecret, {
      authorityHost: 'https://issuer.invalid',
      disableInstanceDiscovery: true,
      httpClient: { sendRequest: (sent) => answerAzure(sent, url) },
      retryOptions: { maxRetries: 0 },
    });
    return async () => (await credential.getToken('api/.default')).token;
  },
};

async function answerAzure(sent, url) {
  const { pathname } = new URL(sent.url);
  const isToken = pathname.endsWith('/token');
  const text = isToken ? await post(`${url}/token`, sent.body) : JSON.stringify(metadata());
  return { request: sent, status: 200, headers: sent.headers, bodyAsText: text };
}

function metadata() {
  const base = 'https://issuer.invalid/tenant';
  return {
    issuer: `${base}/v2.0`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    token_endpoint: `${base}/oauth2/v2.0/token`,
    jwks_uri: `${base}/keys`,
  };
}

function post(url, body) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers: FORM }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk) => {
        text += chunk;
      });
      answer.on('end', () => resolve(text));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
