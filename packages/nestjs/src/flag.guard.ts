import {
  type CanActivate,
  type ExecutionContext,
  HttpException,
  Inject,
  Injectable,
  NotFoundException,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { AnyConfig } from '@smooai/config';
import type { ConfigClient } from '@smooai/config/server';
import type { ContextResolver } from './context-resolver.ts';
import { CONFIG_CLIENT, CONTEXT_RESOLVER } from './tokens.ts';

/** Metadata key of the flags that a handler or controller requires. */
export const REQUIRED_FLAGS = 'smooai-config:required-flags';

/** A flag that must be on, and the HTTP status if it is off. */
export interface RequiredFlag {
  key: string;
  status: number;
}

@Injectable()
/** Refuses a call unless every flag that `@RequireFlag` names, on the handler and its controller, is `true`. */
export class FlagGuard implements CanActivate {
  readonly #client: ConfigClient<AnyConfig>;
  readonly #contexts: ContextResolver;
  readonly #reflector: Reflector;

  constructor(
    @Inject(CONFIG_CLIENT) client: ConfigClient<AnyConfig>,
    @Inject(CONTEXT_RESOLVER) contexts: ContextResolver,
    @Inject(Reflector) reflector: Reflector,
  ) {
    this.#client = client;
    this.#contexts = contexts;
    this.#reflector = reflector;
  }

  async canActivate(executionContext: ExecutionContext): Promise<boolean> {
    const required = [executionContext.getClass(), executionContext.getHandler()].flatMap(
      (target) => this.#reflector.get<RequiredFlag[] | undefined>(REQUIRED_FLAGS, target) ?? [],
    );
    if (required.length === 0) return true;
    const context = await this.#contexts.resolve(executionContext);
    const refusal = required.find(({ key }) => this.#client.flag(key, context) !== true);
    return refusal === undefined || refuse(executionContext, refusal.status);
  }
}

/** Other transports do not understand HTTP exceptions; for them, `false` makes Nest throw its own "forbidden" error. */
function refuse(executionContext: ExecutionContext, status: number): false {
  const type: string = executionContext.getType();
  if (type === 'rpc' || type === 'ws') return false;
  if (status !== 404) throw new HttpException('This is not available.', status);
  if (type !== 'http') throw new NotFoundException();
  const request = executionContext
    .switchToHttp()
    .getRequest<{ method?: string; originalUrl?: string; url?: string }>();
  // The same message as Nest's own 404, so that a hidden route looks like one that does not exist.
  throw new NotFoundException(`Cannot ${request.method} ${request.originalUrl ?? request.url}`);
}
