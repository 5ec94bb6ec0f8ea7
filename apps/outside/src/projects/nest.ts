import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../../scripts/free-port.mjs';
import { catalog } from '../harness/catalog-version.ts';
import { OutsideProject } from '../harness/project.ts';
import type { Command } from '../harness/run-command.ts';
import { ShopServer } from '../harness/shop-server.ts';

/** What the tests of the transports use beside the packages of Nest. */
const companions = [
  '@apollo/server@5.5.1',
  '@as-integrations/express5@1.1.2',
  '@types/pg@8',
  '@types/ws@8',
  'class-transformer@0.5',
  'class-validator@0.14',
  'graphql@16',
  'graphql-ws@6',
  'pg@8.23.1',
  'socket.io-client@4',
  'ws@8',
];

export interface NestOptions {
  /** Exact version of @nestjs/cli. */
  cli: string;
  /** Versions of the packages that belong to the version of Nest. */
  transports: Record<string, string>;
  /** Runs the tests of all transports. */
  testTransports: Command;
  /** More packages to install. */
  install?: string[];
}

/** What `nest new` makes, with the packages; `more` adds tests that run after the project's own. */
export function nest(name: string, options: NestOptions, more?: (project: OutsideProject) => void): void {
  describe(name, () => {
    const project = new OutsideProject(name);

    beforeAll(async () => {
      const flags = ['--package-manager', 'npm', '--skip-git', '--strict', '--skip-install'];
      await project.generate(['npx', '-y', `@nestjs/cli@${options.cli}`, 'new', name, ...flags]);
      await project.overlay(name);
      await project.overlay('nest-transports');
      const transports = Object.entries(options.transports).map(
        ([pack, version]) => `@nestjs/${pack}@${version}`,
      );
      await project.install(
        ['@smooai/config', '@smooai/config-nestjs', '@smooai/config-cli'],
        [catalog('zod'), ...transports, ...companions, ...(options.install ?? [])],
      );
    });

    afterAll(() => project.close());

    it('runs its tests', async () => {
      const { output } = await project.run(['npm', 'test']);
      expect(output).toMatch(/Tests:?\s+2 passed/);
    });

    it('runs the tests of GraphQL, sockets, microservices, jobs, a real PostgreSQL and other packages of Nest', async () => {
      const { output } = await project.run(options.testTransports);
      expect(output).toMatch(/Tests:?\s+32 passed/);
    });

    more?.(project);

    it('compiles and builds', async () => {
      await project.run(['npm', 'run', 'build']);
    });

    it('follows a flip by the CLI while it runs', async () => {
      const server = await ShopServer.start(project, 'src/config.ts');
      await project.write('.env', await server.createServerClient());
      const port = await freePort(0);
      const url = `http://127.0.0.1:${port}`;
      const app = project.start(['node', '--env-file=.env', 'dist/main'], { PORT: String(port) });
      await app.responds(url);
      const checkout = (): Promise<Response> => fetch(`${url}/checkout`, { method: 'POST' });
      expect((await checkout()).status).toBe(404);
      await server.set('flags.newCheckout', 'true');
      await expect.poll(async () => (await checkout()).status, { timeout: 60_000 }).toBe(201);
      expect(await (await checkout()).json()).toMatchObject({
        theme: 'light',
        maxItems: 20,
        supportEmail: 'help@shop.example',
      });
      expect(app.hasExited).toBe(false);
    });
  });
}
