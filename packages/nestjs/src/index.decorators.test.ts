import 'reflect-metadata';
import {
  Controller,
  type ExecutionContext,
  Get,
  Module,
  type PipeTransform,
  Post,
  UsePipes,
} from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import type { EvaluationContext, TargetedValue } from '@smooai/config';
import { createTestClient, type TestClient } from '@smooai/config/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { Flag, Limit, RequireFlag, SmooConfigModule } from './index.ts';
import { config } from './test-support/shop-config.ts';
import { startApp } from './test-support/start-app.ts';

/** One value for the Netherlands and another for everyone else. */
const forDutch = <Value>(value: Value, others: Value): TargetedValue<Value> => ({
  $cohort: {
    rules: [{ id: 'nl', when: { attribute: 'country', op: 'in', values: ['NL'] }, value }],
    defaultValue: others,
  },
});

@Controller()
class ShopController {
  @Get('shop')
  shop(
    @Flag('theme') theme: 'light' | 'dark',
    @Flag('beta') beta: boolean,
    @Limit('cartItems') cartItems: number,
  ) {
    return { theme, beta, cartItems };
  }

  @Post('checkout')
  @RequireFlag('newCheckout')
  checkout() {
    return { ok: true };
  }

  @Get('teapot')
  @RequireFlag('newCheckout', { status: 403 })
  teapot() {
    return { ok: true };
  }

  @Get('both')
  @RequireFlag('newCheckout')
  @RequireFlag('beta')
  both() {
    return { ok: true };
  }
}

@Controller('lab')
@RequireFlag('beta')
class LabController {
  @Get()
  open() {
    return { ok: true };
  }

  @Get('inner')
  @RequireFlag('newCheckout')
  inner() {
    return { ok: true };
  }
}

@Controller('annex')
@RequireFlag('newCheckout')
class AnnexController extends LabController {}

@Module({ controllers: [ShopController, LabController, AnnexController] })
class ShopModule {}

let client: TestClient<typeof config>;
let contextCalls: number;

const context = (executionContext: ExecutionContext): EvaluationContext => {
  contextCalls += 1;
  const { headers } = executionContext.switchToHttp().getRequest<{ headers: Record<string, string> }>();
  return { country: headers['x-country'], userId: headers['x-user'] };
};

beforeEach(() => {
  client = createTestClient({ config, secrets: { paymentKey: 'k' } });
  contextCalls = 0;
});

const from = (country: string): RequestInit => ({ headers: { 'x-country': country } });

describe('@Flag and @Limit', () => {
  it('evaluate for the context of the request, which is computed once', async () => {
    client.set({ flags: { beta: forDutch(true, false) }, limits: { cartItems: forDutch(500, 5) } });
    const { get } = await startApp({ imports: [SmooConfigModule.forRoot({ client, context }), ShopModule] });
    expect((await get('/shop', from('NL'))).body).toEqual({ theme: 'light', beta: true, cartItems: 100 });
    expect(contextCalls).toBe(1);
    expect((await get('/shop', from('DE'))).body).toEqual({ theme: 'light', beta: false, cartItems: 5 });
    expect(contextCalls).toBe(2);
  });

  it('follow a change on the next request', async () => {
    const { get } = await startApp({ imports: [SmooConfigModule.forRoot({ client }), ShopModule] });
    expect((await get('/shop')).body).toEqual({ theme: 'light', beta: false, cartItems: 20 });
    client.set({ flags: { theme: 'dark' }, limits: { cartItems: 7 } });
    expect((await get('/shop')).body).toEqual({ theme: 'dark', beta: false, cartItems: 7 });
  });

  it('wait for an asynchronous context', async () => {
    client.set({ flags: { beta: forDutch(true, false) } });
    const later = async (executionContext: ExecutionContext) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return context(executionContext);
    };
    const { get } = await startApp({
      imports: [SmooConfigModule.forRoot({ client, context: later }), ShopModule],
    });
    expect((await get('/shop', from('NL'))).body).toMatchObject({ beta: true });
    expect(contextCalls).toBe(1);
  });

  it('work with a global pipe that copies objects', async () => {
    const copyAll: PipeTransform = {
      transform: (value: unknown) =>
        typeof value === 'object' && value !== null && Object.keys(value).length > 0 ? { ...value } : value,
    };
    const { get } = await startApp({
      imports: [SmooConfigModule.forRoot({ client }), ShopModule],
      providers: [{ provide: APP_PIPE, useValue: copyAll }],
    });
    expect((await get('/shop')).body).toMatchObject({ cartItems: 20 });
  });

  it('use the client of the module that the controller sees', async () => {
    const other = createTestClient({ config, secrets: { paymentKey: 'k' }, flags: { theme: 'dark' } });

    @Controller('own')
    @UsePipes()
    class OwnController {
      @Get()
      theme(@Flag('theme') theme: string) {
        return { theme };
      }
    }

    @Module({
      imports: [SmooConfigModule.forRoot({ client: other, global: false })],
      controllers: [OwnController],
    })
    class OwnModule {}

    const { get } = await startApp({
      imports: [SmooConfigModule.forRoot({ client }), ShopModule, OwnModule],
    });
    expect((await get('/own')).body).toEqual({ theme: 'dark' });
    expect((await get('/shop')).body).toMatchObject({ theme: 'light' });
  });
});

describe('@RequireFlag', () => {
  it('returns the 404 of an unknown route until the flag is on', async () => {
    const { get } = await startApp({ imports: [SmooConfigModule.forRoot({ client }), ShopModule] });
    const hidden = await get('/checkout?a=1', { method: 'POST' });
    const absent = await get('/checkouts?a=1', { method: 'POST' });
    expect(hidden.status).toBe(404);
    expect(JSON.stringify(hidden).replace('/checkout?', '/checkouts?')).toBe(JSON.stringify(absent));
    client.set({ flags: { newCheckout: true } });
    expect(await get('/checkout', { method: 'POST' })).toEqual({ status: 201, body: { ok: true } });
  });

  it('evaluates for the context of the request', async () => {
    client.set({ flags: { newCheckout: forDutch(true, false) } });
    const { get } = await startApp({ imports: [SmooConfigModule.forRoot({ client, context }), ShopModule] });
    expect((await get('/checkout', { method: 'POST', ...from('NL') })).status).toBe(201);
    expect((await get('/checkout', { method: 'POST', ...from('DE') })).status).toBe(404);
  });

  it('returns the given status, without the name of the flag', async () => {
    const { get } = await startApp({ imports: [SmooConfigModule.forRoot({ client }), ShopModule] });
    const { status, body } = await get('/teapot');
    expect(status).toBe(403);
    expect(JSON.stringify(body)).not.toContain('newCheckout');
  });

  it.each([
    ['/both', ['newCheckout', 'beta']],
    ['/lab', ['beta']],
    ['/lab/inner', ['newCheckout', 'beta']],
    ['/annex', ['newCheckout', 'beta']],
  ] as const)('requires every flag of the handler and its controllers: %s', async (path, needed) => {
    const { get } = await startApp({ imports: [SmooConfigModule.forRoot({ client }), ShopModule] });
    for (const missing of needed) {
      client.set({ flags: { newCheckout: true, beta: true, [missing]: false } });
      expect((await get(path)).status).toBe(404);
    }
    client.set({ flags: { newCheckout: true, beta: true } });
    expect((await get(path)).status).toBe(200);
  });

  it.each(['theme', 'unknown', 'toString'])(
    'refuses while the flag %s is not the boolean true',
    async (key) => {
      @Controller('odd')
      class OddController {
        @Get()
        @RequireFlag(key as never)
        odd() {
          return { ok: true };
        }
      }
      const { get } = await startApp({
        imports: [SmooConfigModule.forRoot({ client })],
        controllers: [OddController],
      });
      expect((await get('/odd')).status).toBe(404);
    },
  );

  it.each([200, 399, 600, 404.5, Number.NaN, '404' as never])('throws for the status %s', (status) => {
    expect(() => RequireFlag('beta', { status })).toThrow(/400 to 599/);
  });

  it.each([400, 599])('accepts the status %s', (status) => {
    expect(() => RequireFlag('beta', { status })).not.toThrow();
  });
});
