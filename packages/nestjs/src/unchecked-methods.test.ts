import 'reflect-metadata';
import { Controller, Get, Injectable, SetMetadata, type Type, UseGuards } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { createTestClient } from '@smooai/config/testing';
import { describe, expect, it } from 'vitest';
import { Flag, FlagDetails, Limit, Public, RequireFlag, SmooConfigModule } from './index.ts';
import { config } from './test-support/shop-config.ts';
import { silent } from './test-support/start-app.ts';

const guard = { canActivate: () => true };

async function start({ controllers = [], providers = [] }: { controllers?: Type[]; providers?: Type[] }) {
  const client = createTestClient({ config, secrets: { paymentKey: 'k' } });
  const module = await Test.createTestingModule({
    imports: [SmooConfigModule.forRoot({ client })],
    controllers,
    providers,
  })
    .setLogger(silent)
    .compile();
  await module.init();
  await module.close();
}

const refused = (message: RegExp) => ({
  name: 'OptionsError',
  option: 'decorators',
  message: expect.stringMatching(message) as string,
});

describe('a decorator that Nest would not apply ends the start', () => {
  it('@RequireFlag on a method of a service', async () => {
    @Injectable()
    class Payments {
      @RequireFlag('beta')
      @UseGuards(guard)
      pay() {}
    }
    await expect(start({ providers: [Payments] })).rejects.toMatchObject(
      refused(/^@RequireFlag\("beta"\) on Payments\.pay would do nothing.*SmooConfigService/),
    );
  });

  it('@RequireFlag on a service', async () => {
    @Injectable()
    @RequireFlag('beta')
    class Payments {
      pay() {}
    }
    await expect(start({ providers: [Payments] })).rejects.toMatchObject(
      refused(/^@RequireFlag\("beta"\) on Payments would do nothing.*the class has none/),
    );
  });

  it('@RequireFlag on a method that a service inherits', async () => {
    class Base {
      @RequireFlag('beta')
      pay() {}
    }
    @Injectable()
    class Payments extends Base {}
    await expect(start({ providers: [Payments] })).rejects.toMatchObject(refused(/on Payments\.pay/));
  });

  it('@RequireFlag on a method of a controller that is not a route', async () => {
    @Controller()
    class Wrong {
      @Get()
      read() {}

      @RequireFlag('beta')
      helper() {}
    }
    await expect(start({ controllers: [Wrong] })).rejects.toMatchObject(refused(/on Wrong\.helper/));
  });

  it('@RequireFlag on handleConnection, which Nest calls without guards', async () => {
    @Injectable()
    @SetMetadata('websockets:is_gateway', true)
    class Gateway {
      @RequireFlag('beta')
      handleConnection() {}
    }
    await expect(start({ providers: [Gateway] })).rejects.toMatchObject(
      refused(/on Gateway\.handleConnection/),
    );
  });

  it.each([
    ['@nestjs/schedule', 'SCHEDULE_CRON_OPTIONS'],
    ['@nestjs/event-emitter', 'EVENT_LISTENER_METADATA'],
    ['@nestjs/bull', 'bull:module_queue_process'],
    ['@nestjs/bullmq', 'bullmq:worker_events_metadata'],
  ])('@RequireFlag on a method that %s calls', async (_, key) => {
    @Injectable()
    class Jobs {
      @SetMetadata(key, {})
      @RequireFlag('beta')
      send() {}
    }
    await expect(start({ providers: [Jobs] })).rejects.toMatchObject(refused(/on Jobs\.send/));
  });

  it.each([
    ['@Flag("beta")', Flag('beta')],
    ['@FlagDetails("beta")', FlagDetails('beta')],
    ['@Limit("cartItems")', Limit('cartItems')],
    ['@Public("supportEmail")', Public('supportEmail')],
  ])('%s on a parameter of a service', async (label, decorate) => {
    @Injectable()
    class Payments {
      pay(_value: unknown) {}
    }
    decorate(Payments.prototype, 'pay', 0);
    const message = expect.stringContaining(`${label} on Payments.pay would do nothing`) as string;
    await expect(start({ providers: [Payments] })).rejects.toMatchObject({ name: 'OptionsError', message });
  });
});

describe('a decorator that Nest applies is left alone', () => {
  it('on routes, messages and their class, beside methods that are not handlers', async () => {
    @Controller()
    @RequireFlag('beta')
    class Checkout {
      @Get()
      @RequireFlag('newCheckout')
      read(@Flag('beta') _beta: boolean) {}

      @MessagePattern('read')
      message(@Limit('cartItems') _items: number) {}

      helper() {}
    }
    await start({ controllers: [Checkout] });
  });

  it('on methods of providers that a library calls as handlers', async () => {
    @Injectable()
    class Queue {
      @SetMetadata(Symbol('library'), true)
      @RequireFlag('beta')
      receive(@Flag('beta') _beta: boolean) {}
    }
    await start({ providers: [Queue] });
  });

  it('on a class without methods', async () => {
    @Controller()
    @RequireFlag('beta')
    class Empty {}
    await start({ controllers: [Empty] });
  });
});
