import 'reflect-metadata';
import { Inject, Injectable, Logger, Scope } from '@nestjs/common';
import { createTestClient } from '@smooai/config/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { OnConfigChange, SmooConfigModule, SmooConfigService, WithConfigContext } from './index.ts';
import { onFor } from './test-support/on-for.ts';
import { config } from './test-support/shop-config.ts';
import { startApp } from './test-support/start-app.ts';

const testClient = () => createTestClient({ config, secrets: { paymentKey: 'k-1' } });

afterEach(() => vi.restoreAllMocks());

describe('@OnConfigChange', () => {
  @Injectable()
  class Cache {
    readonly changes: string[][] = [];

    @OnConfigChange('flags.beta', 'limits.cartItems', 'secrets.paymentKey', 'public.supportEmail')
    refresh(changed: string[]) {
      this.changes.push([...changed].sort());
    }

    @OnConfigChange('flags.newCheckout')
    async failing() {
      await Promise.resolve();
      throw new Error('expected');
    }
  }

  it('is called with the paths that changed, until the application closes', async () => {
    const client = testClient();
    const { app } = await startApp({ imports: [SmooConfigModule.forRoot({ client })], providers: [Cache] });
    const cache = app.get(Cache);
    client.set({ flags: { theme: 'dark' } });
    client.set({ flags: { beta: true }, limits: { cartItems: 5 } });
    client.set({ secrets: { paymentKey: 'k-2' }, public: { supportEmail: 'new@shop.example' } });
    expect(cache.changes).toEqual([
      ['flags.beta', 'limits.cartItems'],
      ['public.supportEmail', 'secrets.paymentKey'],
    ]);
    await app.close();
    client.set({ flags: { beta: false } });
    expect(cache.changes).toHaveLength(2);
  });

  it('reads in the context of @WithConfigContext, above and below it', async () => {
    @Injectable()
    class Prices {
      readonly seen: boolean[] = [];
      constructor(@Inject(SmooConfigService) private readonly config: SmooConfigService) {}

      @OnConfigChange('flags.beta')
      @WithConfigContext({ userId: 'ada' })
      above() {
        this.seen.push(this.config.flag('beta'));
      }

      @WithConfigContext({ userId: 'bob' })
      @OnConfigChange('flags.beta')
      below() {
        this.seen.push(this.config.flag('beta'));
      }
    }
    const client = testClient();
    const { app } = await startApp({ imports: [SmooConfigModule.forRoot({ client })], providers: [Prices] });
    client.set({ flags: { beta: onFor('ada') } });
    expect(app.get(Prices).seen).toEqual([true, false]);
  });

  it('logs the error of a method', async () => {
    const log = vi.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const client = testClient();
    await startApp({ imports: [SmooConfigModule.forRoot({ client })], providers: [Cache] });
    client.set({ flags: { newCheckout: true } });
    await expect
      .poll(() => log)
      .toHaveBeenCalledWith(
        expect.stringMatching(/@OnConfigChange on Cache\.failing failed: Error: expected/),
      );
  });

  it.each([
    ['an error', (key: string) => new TypeError(`first line\n${key}`), /failed: TypeError\n\s+at /],
    ['a string', (key: string) => key, /failed: string$/],
  ])(
    'logs no message that may contain the secret that the method listens to: %s',
    async (_, create, text) => {
      @Injectable()
      class Connection {
        @OnConfigChange('flags.beta', 'secrets.paymentKey')
        connect() {
          throw create(client.secret('paymentKey'));
        }
      }
      const log = vi.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
      const client = testClient();
      await startApp({ imports: [SmooConfigModule.forRoot({ client })], providers: [Connection] });
      client.set({ secrets: { paymentKey: 'very-secret' } });
      client.set({ flags: { beta: true } });
      expect(log).toHaveBeenCalledTimes(2);
      for (const [message] of log.mock.calls) {
        expect(message).toMatch(text);
        expect(message).not.toContain('very-secret');
      }
    },
  );

  it('ends the start, and closes the client, for a path that the schema does not have', async () => {
    @Injectable()
    class Wrong {
      @OnConfigChange('flags.paymentKey' as never)
      refresh() {}
    }
    const statuses: string[] = [];
    const source = {
      start: (sink: { replace(ruleset: unknown): void; confirm(): void }) => {
        const empty = { public: {}, flags: {}, limits: {}, segments: {} };
        sink.replace({ revision: '1', environment: 'test', secret: { paymentKey: 'k' }, ...empty });
        sink.confirm();
        return Promise.resolve();
      },
      stop() {},
    };
    const start = startApp({
      imports: [
        SmooConfigModule.forRoot({
          config,
          source: source as never,
          onEvent: (event) => void (event.type === 'status' && statuses.push(event.status)),
        }),
      ],
      providers: [Wrong],
    });
    await expect(start).rejects.toThrow(
      /@OnConfigChange\("flags.paymentKey"\) on Wrong.refresh.*no such key/,
    );
    expect(statuses.at(-1)).toBe('closed');
  });

  it('ends the start for a provider that is created for each request', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {
      @OnConfigChange('flags.beta')
      refresh() {}
    }
    const start = startApp({
      imports: [SmooConfigModule.forRoot({ client: testClient() })],
      providers: [PerRequest],
    });
    await expect(start).rejects.toThrow(
      /PerRequest\.refresh needs a provider that lives as long as the application/,
    );
  });
});
