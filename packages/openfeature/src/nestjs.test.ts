import 'reflect-metadata';
import {
  Controller,
  type ExecutionContext,
  Get,
  type INestApplication,
  Inject,
  Injectable,
  Module,
  type ModuleMetadata,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { OpenFeature as NestFeatures, OpenFeatureModule } from '@openfeature/nestjs-sdk';
import { OpenFeature } from '@openfeature/server-sdk';
import { createTestClient } from '@smooai/config/testing';
import { requestOf, SmooConfigModule, SmooConfigService } from '@smooai/config-nestjs';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { requestContextHook, SmooConfigProvider } from './server.ts';
import { shopConfig, targeted } from './test-support/shop-config.ts';

/** Reads the theme in a service, which knows nothing of the request. */
@Injectable()
class ThemeService {
  async read(): Promise<string> {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return OpenFeature.getClient().getStringValue('theme', 'none');
  }
}

@Controller()
class ThemeController {
  @Inject(ThemeService)
  readonly theme!: ThemeService;

  @Get('theme')
  read(): Promise<string> {
    return this.theme.read();
  }
}

afterEach(async () => {
  OpenFeature.clearHooks();
  await OpenFeature.clearProviders();
});

function visitorOf(call: ExecutionContext): { userId?: string } {
  const { user } = requestOf<{ headers: Record<string, string | undefined> }>(call).headers;
  return user === undefined ? {} : { userId: user };
}

const client = createTestClient({
  config: shopConfig,
  flags: { theme: targeted('dark', 'light') as never },
});

async function start(imports: NonNullable<ModuleMetadata['imports']>): Promise<INestApplication> {
  class AppModule {}
  Module({ imports, controllers: [ThemeController], providers: [ThemeService] })(AppModule);
  const app = await NestFactory.create(AppModule as Type, { logger: ['error'] });
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  return app;
}

async function themeFor(app: INestApplication, user: string): Promise<string> {
  const response = await fetch(`${await app.getUrl()}/theme`, { headers: { user } });
  return response.text();
}

describe('OpenFeature in NestJS', () => {
  it('evaluates for the context of the request that SmooConfigModule knows', async () => {
    const app = await start([SmooConfigModule.forRoot({ client, context: visitorOf })]);
    const service = app.get(SmooConfigService);
    OpenFeature.addHooks(requestContextHook(() => service.context()));
    await OpenFeature.setProviderAndWait(new SmooConfigProvider(client));
    const others = Array.from({ length: 20 }, (_, index) => `user-${index}`);
    const themes = await Promise.all(['insider', ...others].map((user) => themeFor(app, user)));
    expect(themes[0]).toBe('dark');
    expect(new Set(themes)).toEqual(new Set(['dark', 'light']));
    // Outside of a request, and for a context of its own.
    expect(await OpenFeature.getClient().getStringValue('theme', 'none')).toBe('light');
    const own = { targetingKey: 'insider' };
    expect(await OpenFeature.getClient().getStringValue('theme', 'none', own)).toBe('dark');
  });

  it('works with the transaction context of the official @openfeature/nestjs-sdk', async () => {
    expect(NestFeatures).toBe(OpenFeature);
    const app = await start([
      SmooConfigModule.forRoot({ client, context: visitorOf }),
      OpenFeatureModule.forRoot({
        defaultProvider: new SmooConfigProvider(client),
        // The factory of both modules: its `userId` is that of our rules.
        contextFactory: visitorOf as never,
      }),
    ]);
    expect(await themeFor(app, 'insider')).toBe('dark');
    const others = await Promise.all(
      Array.from({ length: 20 }, (_, index) => themeFor(app, `user-${index}`)),
    );
    expect(others).toContain('light');
  });
});
