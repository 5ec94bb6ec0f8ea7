import type { ExecutionContext } from '@nestjs/common';

/** What {@link requestOf} returns if the caller names no type. */
export interface CallRequest {
  headers?: Readonly<Record<string, string | string[] | undefined>>;
  [property: string]: unknown;
}

/**
 * Returns the request behind a call, whatever its transport: the HTTP request, also of a GraphQL resolver; the request
 * that opened the socket, for a gateway (the socket itself if its adapter does not keep one); and the context of the
 * message, for a microservice. It is always an object, so reading an absent `user` from it does not throw.
 *
 * @example
 * context: (call) => ({ userId: requestOf<{ user?: User }>(call).user?.id })
 */
export function requestOf<Request extends object = CallRequest>(executionContext: ExecutionContext): Request {
  return (find(executionContext) ?? {}) as Request;
}

function find(executionContext: ExecutionContext): object | undefined {
  const type: string = executionContext.getType();
  if (type === 'http') return asObject(executionContext.getArgByIndex(0));
  if (type === 'rpc') return asObject(executionContext.getArgByIndex(1));
  if (type === 'graphql') {
    // Resolvers get (parent, args, context, info). The integrations name the request differently.
    const context = asObject(executionContext.getArgByIndex(2));
    return property(context, 'req', 'request') ?? property(property(context, 'extra'), 'request') ?? context;
  }
  const client = asObject(executionContext.getArgByIndex(0));
  return property(client, 'request', 'upgradeReq') ?? client;
}

/**
 * Returns the objects that belong to this call and no other, the most specific first. Guards and interceptors of a
 * message get the same array of arguments; a socket outlives its messages.
 */
export function identitiesOf(executionContext: ExecutionContext): object[] {
  const type: string = executionContext.getType();
  if (type === 'http') return compact(executionContext.getArgByIndex(0));
  if (type === 'rpc') return compact(executionContext.getArgByIndex(1), executionContext.getArgs());
  // Not the request of a GraphQL operation: all subscriptions over a socket share the one that opened it.
  if (type === 'graphql') return compact(executionContext.getArgByIndex(2));
  if (type === 'ws') return compact(executionContext.getArgs(), executionContext.getArgByIndex(1));
  // Of another library's arguments, any can belong to several calls.
  return [executionContext.getArgs()];
}

function compact(...values: unknown[]): object[] {
  return values.map(asObject).filter((value) => value !== undefined);
}

function property(holder: object | undefined, ...names: string[]): object | undefined {
  for (const name of names) {
    const value = asObject((holder as Record<string, unknown> | undefined)?.[name]);
    if (value !== undefined) return value;
  }
  return undefined;
}

function asObject(value: unknown): object | undefined {
  return typeof value === 'object' && value !== null ? value : undefined;
}
