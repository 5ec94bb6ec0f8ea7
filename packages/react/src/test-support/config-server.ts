import { toJsonSchema } from '@smooai/config';
import { ConfigApi, TokenProvider } from '@smooai/config/server';
import { createConfigServer } from '@smooai/config-server';
import type { TestProject } from 'vitest/node';
import { config } from './shop-config.ts';

/** The config server of this test run. */
export interface TestServer {
  apiUrl: string;
  organizationId: string;
  publishableKey: string;
  /** A machine client's credentials, so that a test can change values as an operator would. */
  clientId: string;
  clientSecret: string;
  schemaId: string;
  environmentId: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    configServer: TestServer;
  }
}

/** Starts a config server for the run. It runs in the main process because it needs Node, and the workers run jsdom. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await createConfigServer();
  if (server.credentials === undefined) throw new Error('The server has no credentials.');
  const { apiUrl, authUrl, organizationId, clientId, clientSecret } = server.credentials;
  const tokenProvider = new TokenProvider({ authUrl, clientId, clientSecret });
  const api = new ConfigApi({ apiUrl, organizationId, tokenProvider });
  const schema = await api.createSchema({ name: 'shop', jsonSchema: toJsonSchema(config) });
  const environment = (await api.listEnvironments()).find(({ name }) => name === 'development');
  const client = await api.createAuthClient({
    type: 'b2m',
    name: 'browser',
    allowedOrigins: ['http://localhost:3000'],
  });
  if (environment === undefined || client.publishableKey === undefined)
    throw new Error('The config server could not be set up.');
  project.provide('configServer', {
    apiUrl,
    organizationId,
    publishableKey: client.publishableKey,
    clientId,
    clientSecret,
    schemaId: schema.id,
    environmentId: environment.id,
  });
  return () => server.close();
}
