import type { ExecutionContext } from '@nestjs/common';
import type { AnyConfig, ConfigContext, EvaluationContext, RegisteredConfig } from '@smooai/config';

/** Returns the evaluation context of a call, such as the user who sent the request. May be asynchronous. */
export type ContextFactory<Config extends AnyConfig = RegisteredConfig> = (
  executionContext: ExecutionContext,
) => ConfigContext<Config> | Promise<ConfigContext<Config>>;

const EMPTY: EvaluationContext = Object.freeze({});

/** Computes the evaluation context once per request, however many decorators need it. */
export class ContextResolver {
  readonly #factory: ContextFactory<AnyConfig> | undefined;
  readonly #contexts = new WeakMap<object, EvaluationContext | Promise<EvaluationContext>>();

  constructor(factory: ContextFactory<AnyConfig> | undefined) {
    this.#factory = factory;
  }

  /** Returns the context of a call; the empty one if the module has no `context` option. Throws what that option throws. */
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

/** Returns an object that is unique to the request, or undefined if the transport has none. */
function requestOf(executionContext: ExecutionContext): object | undefined {
  const type: string = executionContext.getType();
  if (type === 'http') return asObject(executionContext.switchToHttp().getRequest<unknown>());
  if (type === 'rpc') return asObject(executionContext.switchToRpc().getContext<unknown>());
  // A socket outlives its messages, so the message is the key, not the socket.
  if (type === 'ws') return asObject(executionContext.switchToWs().getData<unknown>());
  // GraphQL resolvers get (parent, args, context, info); the context belongs to the request.
  if (type === 'graphql') return asObject(executionContext.getArgByIndex<unknown>(2));
  return undefined;
}

function asObject(value: unknown): object | undefined {
  return typeof value === 'object' && value !== null ? value : undefined;
}
