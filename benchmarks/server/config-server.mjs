// Forked: the config server of the build in DIST. In memory, or with DB (a SQLite file) or DATABASE (a PostgreSQL URL) and KEY.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { serveOrders } from './meter.mjs';

const { DIST, DB: db, DATABASE: database, KEY } = process.env;
const file = resolve(DIST, 'packages/server/dist/index.js');
const { createConfigServer } = await import(pathToFileURL(file).href);
const env = KEY ? { SMOOAI_CONFIG_SERVER_ENCRYPTION_KEY: KEY } : {};
const server = await createConfigServer({ env, ...(db && { db }), ...(database && { database }) });
// Only the server that creates the organization has them.
const { clientId, clientSecret } = server.credentials ?? {};
serveOrders();
process.send({ url: server.url, organizationId: server.organizationId, clientId, clientSecret });
