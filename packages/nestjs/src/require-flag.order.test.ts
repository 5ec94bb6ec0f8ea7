import 'reflect-metadata';
import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Injectable,
  Module,
  UseGuards,
} from '@nestjs/common';
import { createTestClient } from '@smooai/config/testing';
import { describe, expect, it } from 'vitest';
import { Flag, RequireFlag, requestOf, SmooConfigModule } from './index.ts';
import { as, onFor } from './test-support/on-for.ts';
import { config } from './test-support/shop-config.ts';
import { startApp } from './test-support/start-app.ts';

interface UserRequest {
  headers: Record<string, string>;
  user?: { id: string | undefined };
}

/** Finds out who sent the request, as a guard of @nestjs/passport does. */
@Injectable()
class AuthGuard implements CanActivate {
  async canActivate(executionContext: ExecutionContext): Promise<boolean> {
    const request = requestOf<UserRequest>(executionContext);
    await new Promise((resolve) => setImmediate(resolve));
    request.user = { id: request.headers['x-user'] };
    return request.user.id !== 'banned';
  }
}

@Controller('above')
class AboveController {
  @UseGuards(AuthGuard)
  @RequireFlag('newCheckout')
  @Get('method')
  method() {
    return { ok: true };
  }

  @RequireFlag('newCheckout')
  @UseGuards(AuthGuard)
  @Get('below')
  below() {
    return { ok: true };
  }
}

@Controller('class')
@RequireFlag('newCheckout')
class ClassController {
  @Get()
  @UseGuards(AuthGuard)
  read(@Flag('newCheckout') newCheckout: boolean) {
    return { newCheckout };
  }
}

@Controller('outer')
@UseGuards(AuthGuard)
@RequireFlag('newCheckout')
class OuterController {
  @Get()
  read() {
    return { ok: true };
  }
}

@Controller('inherited')
class InheritingController extends ClassController {}

@Module({ controllers: [AboveController, ClassController, OuterController, InheritingController] })
class GuardedModule {}

const client = createTestClient({
  config,
  secrets: { paymentKey: 'k' },
  flags: { newCheckout: onFor('ada'), theme: 'dark', beta: true },
});
const context = (call: ExecutionContext) => ({ userId: requestOf<UserRequest>(call).user?.id });

describe.each(['express', 'fastify'] as const)('@RequireFlag decides after all guards, on %s', (platform) => {
  it.each(['/above/method', '/above/below', '/class', '/outer', '/inherited'])('%s', async (path) => {
    // Twice, because the order is prepared in the metadata of the classes.
    for (const _ of [1, 2]) {
      const { get } = await startApp(
        { imports: [SmooConfigModule.forRoot({ client, context }), GuardedModule] },
        { platform },
      );
      expect((await get(path, as('ada'))).status).toBe(200);
      expect((await get(path, as('bob'))).status).toBe(404);
      expect((await get(path, as('banned'))).status).toBe(403);
    }
  });
});

describe('@RequireFlag', () => {
  @Controller()
  class ConditionController {
    @Get('is')
    @RequireFlag('theme', { is: 'dark', status: 451 })
    is() {
      return { ok: true };
    }

    @Get('off')
    @RequireFlag('beta', { is: false })
    off() {
      return { ok: true };
    }

    @Get('predicate')
    @RequireFlag((flags) => flags.flag('newCheckout') && flags.limit('cartItems') > 10, { status: 403 })
    predicate() {
      return { ok: true };
    }

    @Get('async')
    @RequireFlag(async (flags) => (await Promise.resolve(flags.context.userId)) === 'ada')
    @RequireFlag('newCheckout')
    async() {
      return { ok: true };
    }
  }

  it.each([
    ['a context', context],
    ['an asynchronous context', async (call: ExecutionContext) => context(call)],
  ])('takes a value or a predicate, with %s', async (_, factory) => {
    const { get } = await startApp(
      {
        imports: [SmooConfigModule.forRoot({ client, context: factory })],
        controllers: [ConditionController],
      },
      { prepare: (app) => app.useGlobalGuards(new AuthGuard()) },
    );
    const statuses = async (user: string) => {
      const paths = ['/is', '/off', '/predicate', '/async'];
      return Promise.all(paths.map(async (path) => (await get(path, as(user))).status));
    };
    expect(await statuses('ada')).toEqual([200, 404, 200, 200]);
    expect(await statuses('bob')).toEqual([200, 404, 403, 404]);
    using _end = client.override({ flags: { theme: 'light', beta: false }, limits: { cartItems: 5 } });
    expect(await statuses('ada')).toEqual([451, 200, 403, 200]);
  });

  it('lets no call pass if the context cannot be found', async () => {
    const { get } = await startApp({
      imports: [SmooConfigModule.forRoot({ client, context: () => Promise.reject(new Error('no user')) })],
      controllers: [ConditionController],
    });
    expect((await get('/predicate')).status).toBe(500);
  });

  it('ends the start if a decorator above it drops its metadata', async () => {
    const timed: MethodDecorator = (_target, _method, descriptor: PropertyDescriptor) => {
      const run = descriptor.value as (...args: unknown[]) => unknown;
      descriptor.value = function (this: unknown, ...args: unknown[]) {
        return run.apply(this, args);
      };
    };
    @Controller()
    class WrappedController {
      @Get('wrapped')
      @timed
      @RequireFlag('newCheckout')
      wrapped() {
        return { ok: true };
      }
    }
    const start = startApp({
      imports: [SmooConfigModule.forRoot({ client })],
      controllers: [WrappedController],
    });
    await expect(start).rejects.toThrow(
      /@RequireFlag\("newCheckout"\) on WrappedController\.wrapped is lost.*Write @RequireFlag above that decorator/,
    );
  });

  it('does not guard a method that overrides it without the decorator', async () => {
    @Controller('sub')
    class SubController extends ConditionController {
      @Get('is')
      override is() {
        return { ok: true };
      }
    }
    const { get } = await startApp({
      imports: [SmooConfigModule.forRoot({ client })],
      controllers: [SubController],
    });
    using _end = client.override({ flags: { theme: 'light' } });
    expect((await get('/sub/is')).status).toBe(200);
    expect((await get('/sub/off')).status).toBe(404);
  });

  it('refuses if one of several is not met, whichever it is and however long the others take', async () => {
    const yes = async () => true;
    const no = async () => false;
    @Controller()
    class SeveralController {
      @Get('first')
      @RequireFlag(no)
      @RequireFlag(yes)
      @RequireFlag(yes)
      first() {
        return { ok: true };
      }

      @Get('second')
      @RequireFlag(yes)
      @RequireFlag(no)
      @RequireFlag(yes)
      second() {
        return { ok: true };
      }

      @Get('third')
      @RequireFlag(yes)
      @RequireFlag(yes)
      @RequireFlag(no)
      third() {
        return { ok: true };
      }
    }
    const { get } = await startApp({
      imports: [SmooConfigModule.forRoot({ client })],
      controllers: [SeveralController],
    });
    for (const path of ['/first', '/second', '/third']) expect((await get(path)).status).toBe(404);
  });
});
