// Forked: the config server of the build in DIST, in memory.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { serveOrders } from './meter.mjs';

const file = resolve(process.env.DIST, 'packages/server/dist/index.js');
const { createConfigServer } = await import(pathToFileURL(file).href);
const server = await createConfigServer({ env: {} });
const { clientId, clientSecret } = server.credentials;
serveOrders();
process.send({ url: server.url, organizationId: server.organizationId, clientId, clientSecret });
