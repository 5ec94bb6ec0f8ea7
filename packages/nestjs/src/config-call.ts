import { AsyncLocalStorage } from 'node:async_hooks';
import type { ExecutionContext } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { type AnyConfig, type ConfigContext, type EvaluationContext, NotReadyError } from '@smooai/config';
import type { ApplicationScope } from './application-scope.ts';
import type { ConfigInstance, ContextFactory } from './config-instance.ts';
import { isPromise } from './is-promise.ts';
import { identitiesOf, requestOf } from './request-of.ts';
import { sharedState } from './shared-state.ts';

/** The context of anonymous calls. */
export const EMPTY_CONTEXT: EvaluationContext = Object.freeze({});

interface CallOptions {
  scope?: ApplicationScope | undefined;
  /** That of the handler, or the request and response before there is one. */
  origin?: ExecutionContext | [request: object, response: object];
  /** The context for all instances, in place of what their factories return. */
  fixed?: EvaluationContext;
}

interface Computed {
  factory: ContextFactory<AnyConfig>;
  context: EvaluationContext | Promise<EvaluationContext>;
}

const isOf =
  (factory: ContextFactory<AnyConfig>) =>
  (computed: Computed): boolean =>
    computed.factory === factory;

/** One request, message or job, with the evaluation contexts that have been computed for it. */
export class ConfigCall {
  #scope: ApplicationScope | undefined;
  #origin: CallOptions['origin'];
  readonly #fixed: EvaluationContext | undefined;
  /** Of the first factory that was asked for; an application rarely has two. */
  #first: Computed | undefined;
  #others: Computed[] | undefined;

  constructor({ scope, origin, fixed }: CallOptions) {
    this.#scope = scope;
    this.#origin = origin;
    this.#fixed = fixed;
  }

  /**
   * Returns the context for an instance. Its factory runs at the first use; two instances can share one.
   *
   * @param executionContext - that of the handler, if it is known.
   */
  contextFor(
    { context: factory }: ConfigInstance,
    executionContext: ExecutionContext | undefined = this.#executionContext(),
  ): EvaluationContext | Promise<EvaluationContext> {
    if (this.#fixed !== undefined) return this.#fixed;
    if (factory === undefined || executionContext === undefined) return EMPTY_CONTEXT;
    const known = this.#first?.factory === factory ? this.#first : this.#others?.find(isOf(factory));
    if (known !== undefined) return known.context;
    const computed: Computed = { factory, context: factory(executionContext) };
    if (this.#first === undefined) this.#first = computed;
    else this.#others = [...(this.#others ?? []), computed];
    const { context } = computed;
    // From then on, services can read it synchronously. A failure stays, for everything else that asks.
    if (isPromise(context)) {
      context
        .then((value) => {
          computed.context = value;
        })
        .catch(() => undefined);
    }
    return context;
  }

  get scope(): ApplicationScope | undefined {
    return this.#scope;
  }

  /**
   * Whether a handler belongs to this call. Nest adds arguments to those that the transport passed, such as the pattern of a
   * message.
   */
  includes(executionContext: ExecutionContext): boolean {
    const own = this.#executionContext();
    if (own?.getType() !== executionContext.getType()) return false;
    const args = executionContext.getArgs();
    return own.getArgs().every((value, index) => value === args[index]);
  }

  /** A call that a transport opened learns its handler and application from the first that knows them. */
  learn(executionContext: ExecutionContext, scope: ApplicationScope | undefined): void {
    this.#scope ??= scope;
    if (this.#executionContext()?.getHandler() === null) this.#origin = executionContext;
  }

  /** Most requests have handlers with a context of their own, so the first one is created when it is needed. */
  #executionContext(): ExecutionContext | undefined {
    if (Array.isArray(this.#origin)) this.#origin = new ExecutionContextHost(this.#origin);
    return this.#origin;
  }
}

const storage = sharedState('storage', () => new AsyncLocalStorage<ConfigCall>());
const calls = sharedState('calls', () => new WeakMap<object, ConfigCall | typeof SHARED>());

/** Marks an object that several calls have, and that therefore identifies none of them. */
const SHARED = 'shared';

/** The call that the code runs in, or undefined. */
export function currentCall(): ConfigCall | undefined {
  return storage.getStore();
}

export function runInCall<Result>(call: ConfigCall, run: () => Result): Result {
  return storage.run(call, run);
}

/** On HTTP requests, because a WeakMap with an entry for each request costs the garbage collector more. */
const CALL = Symbol.for('@smooai/config-nestjs:CALL');

interface RequestWithCall {
  [CALL]?: ConfigCall;
}

/** Lets {@link callOf} find the call of an HTTP request. */
export function setCallOf(request: object, call: ConfigCall): void {
  (request as RequestWithCall)[CALL] = call;
}

function knownCall(identity: object): ConfigCall | undefined {
  const call = (identity as RequestWithCall)[CALL] ?? calls.get(identity);
  return call === SHARED ? undefined : call;
}

/** Returns the call that a guard, interceptor or parameter belongs to. */
export function callOf(executionContext: ExecutionContext, scope?: ApplicationScope): ConfigCall {
  // Most calls are HTTP requests that were opened before.
  const first: unknown = executionContext.getArgByIndex(0);
  if (executionContext.getType() === 'http' && typeof first === 'object' && first !== null) {
    const call = knownCall(first);
    if (call !== undefined) return call;
  }
  const call = knownCallOf(executionContext) ?? new ConfigCall({ scope, origin: executionContext });
  return registered(executionContext, call, scope);
}

/** Returns the call of a message that a transport has received, before there is a handler. */
export function messageCallOf(executionContext: ExecutionContext): ConfigCall {
  // Not by its identities: a transport can give one context object to all of its messages.
  const call = openCall(executionContext) ?? new ConfigCall({ origin: executionContext });
  return registered(executionContext, call);
}

function knownCallOf(executionContext: ExecutionContext): ConfigCall | undefined {
  const open = openCall(executionContext);
  if (open !== undefined) return open;
  for (const identity of identitiesOf(executionContext)) {
    const call = knownCall(identity);
    if (call !== undefined) return call;
  }
  return requestCall(executionContext);
}

function registered(
  executionContext: ExecutionContext,
  call: ConfigCall,
  scope?: ApplicationScope,
): ConfigCall {
  for (const identity of identitiesOf(executionContext)) {
    const known = calls.get(identity);
    if (known === undefined) calls.set(identity, call);
    else if (known !== call) calls.set(identity, SHARED);
  }
  if (isMessage(executionContext)) call.learn(executionContext, scope);
  return call;
}

/** The call of the HTTP request that a GraphQL operation came with. */
function requestCall(executionContext: ExecutionContext): ConfigCall | undefined {
  const type: string = executionContext.getType();
  return type === 'graphql' ? requestOf<RequestWithCall>(executionContext)[CALL] : undefined;
}

/** The call that the code runs in, if the handler belongs to it. Parameters get a copy of a message's arguments. */
function openCall(executionContext: ExecutionContext): ConfigCall | undefined {
  const call = currentCall();
  return call?.includes(executionContext) === true ? call : undefined;
}

function isMessage(executionContext: ExecutionContext): boolean {
  const type: string = executionContext.getType();
  return type === 'rpc' || type === 'ws';
}

/**
 * Returns the context of the call that the code runs in; the empty one outside of a call.
 *
 * @throws {NotReadyError} if the `context` option is asynchronous and has not been awaited in this call.
 */
export function currentContext(instance: ConfigInstance): EvaluationContext {
  const context = currentCall()?.contextFor(instance) ?? EMPTY_CONTEXT;
  if (!isPromise(context)) return context;
  throw new NotReadyError(
    'A flag or limit was read before the context of this call was known, because the "context" option is asynchronous. ' +
      'Await SmooConfigService.context() first, or use @Flag, @Limit or @RequireFlag on the handler.',
  );
}

/**
 * Runs a function with an evaluation context, such as a job for one tenant. Flags and limits that it reads through
 * `SmooConfigService`, also after an `await`, are evaluated for this context. Returns the function's result.
 *
 * @example
 * await runWithContext({ tenant: 'acme' }, () => reports.send());
 */
export function runWithContext<Result>(context: ConfigContext, run: () => Result): Result {
  return storage.run(new ConfigCall({ fixed: context }), run);
}
