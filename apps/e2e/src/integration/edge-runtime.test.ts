import { fileURLToPath } from 'node:url';
import { EdgeVM } from '@edge-runtime/vm';
import { type ConfigServer, createConfigServer } from '@smooai/config-server';
import { build } from 'vite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/*
 * The built package, bundled as a deployment to the edge is, in a context that has what such a runtime has: web APIs, and
 * neither `process` nor `require` nor `Buffer`. It is an emulation in Node's engine, not a provider's own runtime.
 */

const entry = fileURLToPath(new URL('./edge-worker.mjs', import.meta.url));

let server: ConfigServer;
beforeEach(async () => {
  server = await createConfigServer({});
});
afterEach(() => server.close());

async function urlOfNobody(): Promise<string> {
  const dead = await createConfigServer({});
  await dead.close();
  return dead.url;
}

/** The worker and all it imports, as one script that leaves its exports in `worker`. */
async function bundle(condition: string): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    resolve: { conditions: [condition, 'module'] },
    build: {
      write: false,
      minify: false,
      lib: { entry, formats: ['iife'], name: 'worker', fileName: 'worker' },
    },
  });
  const [output] = Array.isArray(built) ? built : [built];
  if (output === undefined || !('output' in output)) throw new Error('Nothing was built.');
  return output.output[0].code;
}

describe.each(['edge-light', 'workerd'])('a worker that is built for %s', (condition) => {
  it('gets a token for all its callers, another when that is refused, and its configuration', async () => {
    const { credentials } = server;
    if (credentials === undefined) throw new Error('The server has no client.');
    const vm = new EdgeVM();
    for (const name of ['process', 'require', 'Buffer', 'module', 'setImmediate']) {
      expect(vm.evaluate(`typeof ${name}`), name).toBe('undefined');
    }
    const code = await bundle(condition);
    // What Vite puts in place of a module of Node.
    expect(code).not.toMatch(/__vite-browser-external/);
    vm.evaluate(code);
    const { apiUrl, authUrl, organizationId, clientId, clientSecret } = credentials;
    const deadUrl = await urlOfNobody();
    const options = {
      deadUrl,
      apiUrl,
      authUrl,
      organizationId,
      clientId,
      clientSecret,
      environment: 'development',
    };
    // As text in both ways: the context has a realm of its own.
    const answer: unknown = JSON.parse(
      await vm.evaluate<Promise<string>>(`worker.run(${JSON.stringify(options)})`),
    );
    expect(answer).toEqual({
      tokens: 1,
      exchanges: 1,
      environments: expect.arrayContaining(['development']),
      isAnother: true,
      isShared: true,
      wrongSecret: { code: 'ERR_TOKEN_REJECTED', status: 401, error: 'invalid_client' },
      aborted: { code: 'ERR_TOKEN_TRANSPORT', reason: 'aborted' },
      refused: { code: 'ERR_TOKEN_TRANSPORT', reason: 'refused' },
      theme: 'light',
    });
  });
});
