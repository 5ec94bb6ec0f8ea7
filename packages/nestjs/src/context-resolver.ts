import type { ExecutionContext } from '@nestjs/common';
import type { AnyConfig, ConfigContext, EvaluationContext, RegisteredConfig } from '@smooai/config';

/** Tells the evaluation context of a call: who sends the request. It may be asynchronous. */
export type ContextFactory<Config extends AnyConfig = RegisteredConfig> = (
  executionContext: ExecutionContext,
) => ConfigContext<Config> | Promise<ConfigContext<Config>>;

const EMPTY: EvaluationContext = Object.freeze({});

/** Computes the evaluation context of a call, once per request, whatever number of decorators asks for it. */
export class ContextResolver {
  readonly #factory: ContextFactory<AnyConfig> | undefined;
  readonly #contexts = new WeakMap<object, EvaluationContext | Promise<EvaluationContext>>();

  constructor(factory: ContextFactory<AnyConfig> | undefined) {
    this.#factory = factory;
  }

  /** Throws what the module's `context` throws; the empty context where there is no such option. */
  resolve(executionContext: ExecutionContext): EvaluationContext | Promise<EvaluationContext> {
    if (this.#factory === undefined) return EMPTY;
    const request = requestOf(executionContext);
    if (request === undefined) return this.#factory(executionContext);
    const known = this.#contexts.get(request);
    if (known !== undefined) return known;
    const context = this.#factory(executionContext);
    this.#contexts.set(request, context);
    return context;
  }
}

/** The object that stands for one request; undefined where the transport has none that lives as long as the call. */
function requestOf(executionContext: ExecutionContext): object | undefined {
  const type: string = executionContext.getType();
  if (type === 'http') return asObject(executionContext.switchToHttp().getRequest<unknown>());
  if (type === 'rpc') return asObject(executionContext.switchToRpc().getContext<unknown>());
  // A socket outlives its messages, so the message is the key and not the client.
  if (type === 'ws') return asObject(executionContext.switchToWs().getData<unknown>());
  // GraphQL resolvers get (parent, args, context, info), and the context is the request's.
  if (type === 'graphql') return asObject(executionContext.getArgByIndex<unknown>(2));
  return undefined;
}

function asObject(value: unknown): object | undefined {
  return typeof value === 'object' && value !== null ? value : undefined;
}
