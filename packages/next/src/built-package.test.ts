import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsdown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

describe('the built package', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'smooai-config-next-'));
    const cwd = fileURLToPath(new URL('..', import.meta.url));
    await build({ cwd, outDir: folder, dts: false, sourcemap: false, logLevel: 'silent' });
  });

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  const text = (entry: string) => readFile(join(folder, entry), 'utf8');

  it('keeps the "use client" directive in the client entry', async () => {
    expect(await text('client.js')).toMatch(/^['"]use client['"];/);
  });

  it('keeps the "server-only" import in the server entry, so that a browser build fails', async () => {
    const server = await text('server.js');
    expect(server).toMatch(/import ["']server-only["']/);
    expect(server).not.toMatch(/['"]use client['"]/);
  });

  it.each(['js', 'cjs'])('shares no code between its entries (%s)', async (extension) => {
    for (const entry of ['client', 'server', 'route-handler', 'testing', 'variants']) {
      expect(await text(`${entry}.${extension}`), entry).not.toMatch(/(?:from |import |require\()["']\./);
    }
    expect(await text(`client.${extension}`)).not.toMatch(/["'](?:node:|server-only)/);
  });
});
