import { type ArgumentMetadata, Inject, Injectable, type PipeTransform } from '@nestjs/common';
import type { AnyConfig, EvaluationContext } from '@smooai/config';
import type { ConfigClient } from '@smooai/config/server';
import type { ContextResolver } from './context-resolver.ts';
import type { ParameterCall } from './parameter-call.ts';
import { CONFIG_CLIENT, CONTEXT_RESOLVER } from './tokens.ts';

/** Replaces a {@link ParameterCall} with the value of the parameter's key in the context of the call. */
abstract class EvaluationPipe<Value> implements PipeTransform<ParameterCall, Promise<Value>> {
  protected readonly client: ConfigClient<AnyConfig>;
  readonly #contexts: ContextResolver;

  constructor(
    @Inject(CONFIG_CLIENT) client: ConfigClient<AnyConfig>,
    @Inject(CONTEXT_RESOLVER) contexts: ContextResolver,
  ) {
    this.client = client;
    this.#contexts = contexts;
  }

  async transform(call: ParameterCall, { data }: ArgumentMetadata): Promise<Value> {
    return this.evaluate(String(data), await this.#contexts.resolve(call.executionContext));
  }

  protected abstract evaluate(key: string, context: EvaluationContext): Value;
}

/** The pipe of `@Flag()`. */
@Injectable()
export class FlagPipe extends EvaluationPipe<unknown> {
  protected evaluate(key: string, context: EvaluationContext): unknown {
    return this.client.flag(key, context);
  }
}

/** The pipe of `@Limit()`. */
@Injectable()
export class LimitPipe extends EvaluationPipe<number> {
  protected evaluate(key: string, context: EvaluationContext): number {
    return this.client.limit(key, context);
  }
}
