import {
  type ArgumentMetadata,
  type ExecutionContext,
  Inject,
  Injectable,
  type PipeTransform,
} from '@nestjs/common';
import type { AnyConfig } from '@smooai/config';
import type { ConfigClient } from '@smooai/config/server';
import type { ContextResolver } from './context-resolver.ts';
import { CONFIG_CLIENT, CONTEXT_RESOLVER } from './tokens.ts';

/**
 * What a parameter decorator hands to its pipe: a decorator knows the call, and only a pipe can be injected into.
 * Its field is private, so that a global pipe that walks through values finds nothing in it.
 */
export class ParameterCall {
  readonly #executionContext: ExecutionContext;

  constructor(executionContext: ExecutionContext) {
    this.#executionContext = executionContext;
  }

  get executionContext(): ExecutionContext {
    return this.#executionContext;
  }
}

/** Answers a `@Flag()` parameter by the module's client. */
@Injectable()
export class FlagPipe implements PipeTransform<ParameterCall, Promise<unknown>> {
  readonly #client: ConfigClient<AnyConfig>;
  readonly #contexts: ContextResolver;

  constructor(
    @Inject(CONFIG_CLIENT) client: ConfigClient<AnyConfig>,
    @Inject(CONTEXT_RESOLVER) contexts: ContextResolver,
  ) {
    this.#client = client;
    this.#contexts = contexts;
  }

  async transform(call: ParameterCall, metadata: ArgumentMetadata): Promise<unknown> {
    return this.#client.flag(String(metadata.data), await this.#contexts.resolve(call.executionContext));
  }
}

/** Answers a `@Limit()` parameter by the module's client. */
@Injectable()
export class LimitPipe implements PipeTransform<ParameterCall, Promise<number>> {
  readonly #client: ConfigClient<AnyConfig>;
  readonly #contexts: ContextResolver;

  constructor(
    @Inject(CONFIG_CLIENT) client: ConfigClient<AnyConfig>,
    @Inject(CONTEXT_RESOLVER) contexts: ContextResolver,
  ) {
    this.#client = client;
    this.#contexts = contexts;
  }

  async transform(call: ParameterCall, metadata: ArgumentMetadata): Promise<number> {
    return this.#client.limit(String(metadata.data), await this.#contexts.resolve(call.executionContext));
  }
}
