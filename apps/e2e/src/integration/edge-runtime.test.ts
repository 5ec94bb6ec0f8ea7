import { fileURLToPath } from 'node:url';
import { EdgeVM } from '@edge-runtime/vm';
import { type ConfigServer, createConfigServer } from '@smooai/config-server';
import { build } from 'vite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../../scripts/free-port.mjs';

/*
 * Bundles the built package as a deployment to the edge does, and runs it in a context with the APIs of such a runtime:
 * web APIs, without `process`, `require` and `Buffer`. It is emulated in Node, not a provider's own runtime.
 */

const entry = fileURLToPath(new URL('./edge-worker.mjs', import.meta.url));

let server: ConfigServer;
beforeEach(async () => {
  server = await createConfigServer({});
});
afterEach(() => server.close());

async function unusedUrl(): Promise<string> {
  return `http://127.0.0.1:${await freePort(0)}`;
}

/** Bundles the worker and its imports into one script, whose exports are in the global `worker`. */
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
  if (output === undefined || !('output' in output)) throw new Error('Vite returned no output.');
  return output.output[0].code;
}

describe.each(['edge-light', 'workerd'])('a worker built for %s', (condition) => {
  it('gets one token for all callers, another one after a refusal, and its configuration', async () => {
    const { credentials } = server;
    if (credentials === undefined) throw new Error('The server has no credentials.');
    const vm = new EdgeVM();
    for (const name of ['process', 'require', 'Buffer', 'module', 'setImmediate']) {
      expect(vm.evaluate(`typeof ${name}`), name).toBe('undefined');
    }
    const code = await bundle(condition);
    // Vite replaces Node's modules with this.
    expect(code).not.toMatch(/__vite-browser-external/);
    vm.evaluate(code);
    const { apiUrl, authUrl, organizationId, clientId, clientSecret } = credentials;
    const deadUrl = await unusedUrl();
    const options = {
      deadUrl,
      apiUrl,
      authUrl,
      organizationId,
      clientId,
      clientSecret,
      environment: 'development',
    };
    // Passed as text in both directions, because objects of another realm are not equal to ours.
    const result: unknown = JSON.parse(
      await vm.evaluate<Promise<string>>(`worker.run(${JSON.stringify(options)})`),
    );
    expect(result).toEqual({
      tokens: 1,
      exchanges: 1,
      environments: expect.arrayContaining(['development']),
      isAnother: true,
      isShared: true,
      wrongSecret: { code: 'ERR_TOKEN_REJECTED', status: 401, error: 'invalid_client' },
      aborted: { code: 'ERR_TOKEN_TRANSPORT', reason: 'aborted' },
      refused: { code: 'ERR_TOKEN_TRANSPORT', reason: 'refused' },
      theme: 'dark',
      fetched: 'dark',
    });
  });

  it('starts from a baked bundle without network, and refuses every other bundle by name', async () => {
    const vm = new EdgeVM();
    vm.evaluate(await bundle(condition));
    const deadUrl = await unusedUrl();
    const ids = { organizationId: 'o-1', clientId: 'c-1', clientSecret: 'a-client-secret' };
    const settings = { apiUrl: deadUrl, authUrl: deadUrl, environment: 'development', ...ids };
    const run = `worker.runOffline(${JSON.stringify(settings)})`;
    const refused = (reason: string) => expect.stringMatching(`^ERR_OPTIONS_INVALID: The bundle ${reason}`);
    expect(JSON.parse(await vm.evaluate<Promise<string>>(run))).toEqual({
      baked: ['Baked', 'a-baked-secret', 'light', 'file'],
      hasClearText: false,
      torn: refused('is damaged'),
      changed: refused('is damaged'),
      wrongKey: refused('was sealed with another key, or is not a bundle. Check SMOO_CONFIG_KEY.'),
      foreign: refused('is not encrypted'),
      noKey: refused('has no key'),
      path: expect.stringMatching(/^ERR_OPTIONS_INVALID: This runtime has no file system/),
      value: { code: expect.stringMatching(/^ERR_(TOKEN|REQUEST)_TRANSPORT$/), reason: 'refused' },
    });
  });
});
