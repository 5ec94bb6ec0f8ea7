import { createRequire } from 'node:module';
import type { ExternalContextCreator } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { isObservable, Observable } from 'rxjs';
import type { ApplicationScope } from './application-scope.ts';
import { type ConfigCall, callOf, currentCall, messageCallOf, runInCall } from './config-call.ts';
import type { HostClass } from './hosts.ts';
import { isPromise } from './is-promise.ts';
import { sharedState } from './shared-state.ts';

type Handler = (...args: unknown[]) => unknown;

/** Objects whose methods already open calls; one process can run several applications. */
const opened = sharedState('opened', () => new WeakSet<object>());

function isFirst(target: object): boolean {
  if (opened.has(target)) return false;
  opened.add(target);
  return true;
}

/** Runs the handler of a message in a call, together with its guards, interceptors and filters. */
function runMessage(executionContext: ExecutionContextHost, run: () => unknown): unknown {
  const call = messageCallOf(executionContext);
  const result = runInCall(call, run);
  if (!isPromise(result)) return observeInCall(result, call);
  return result.then((value) => observeInCall(value, call));
}

/** Nest runs interceptors when the transport subscribes to the result, which it does outside of the call. */
function observeInCall(result: unknown, call: ConfigCall): unknown {
  if (!isObservable(result)) return result;
  return new Observable((subscriber) => runInCall(call, () => result.subscribe(subscriber)));
}

function contextOf(type: string, args: unknown[], host?: HostClass, handler?: Handler): ExecutionContextHost {
  const executionContext = new ExecutionContextHost(args, host ?? null, handler ?? null);
  executionContext.setType(type);
  return executionContext;
}

/** For GraphQL, and other libraries that call handlers through `ExternalContextCreator`. */
export function openExternalCalls(creator: ExternalContextCreator, scope: ApplicationScope): void {
  if (!isFirst(creator)) return;
  const create = creator.create.bind(creator) as Handler;
  const createOpened: Handler = (...options) => {
    const run = create(...options) as Handler;
    const [instance, handler] = options as [object, Handler];
    const type = options[8] as string | undefined;
    // "http" is the default of a library that names no type. Its arguments need not be a request.
    if (type === undefined || type === 'http') return run;
    return (...args: unknown[]) => {
      const executionContext = contextOf(type, args, instance.constructor as HostClass, handler);
      const call = callOf(executionContext, scope);
      return currentCall() === call ? run(...args) : runInCall(call, () => run(...args));
    };
  };
  Object.assign(creator, { create: createOpened });
}

interface SocketHandler {
  callback: Handler;
}

interface SocketAdapter {
  bindMessageHandlers(client: unknown, handlers: SocketHandler[], ...rest: unknown[]): unknown;
}

/** For gateways. The adapter may be set until the first gateway is connected, so it is prepared when Nest asks for it. */
export function openSocketCalls(applicationConfig: { getIoAdapter(): unknown }): void {
  if (!isFirst(applicationConfig)) return;
  const getIoAdapter = applicationConfig.getIoAdapter.bind(applicationConfig);
  applicationConfig.getIoAdapter = () => {
    const adapter = getIoAdapter() as SocketAdapter | null;
    if (adapter !== null && isFirst(adapter)) prepareAdapter(adapter);
    return adapter;
  };
}

function prepareAdapter(adapter: SocketAdapter): void {
  const bind = adapter.bindMessageHandlers.bind(adapter);
  adapter.bindMessageHandlers = (client, handlers, ...rest) => {
    const inCalls = handlers.map((handler) => ({
      ...handler,
      callback: (...args: unknown[]) =>
        runMessage(contextOf('ws', [client, ...args]), () => handler.callback(...args)),
    }));
    return bind(client, inCalls, ...rest);
  };
}

interface MessageServer {
  addHandler: (this: MessageServer, pattern: unknown, handler: Handler, ...rest: unknown[]) => unknown;
}

/**
 * For microservices. Nest creates their servers out of an application's reach, so the classes of `@nestjs/microservices` are
 * prepared: every transport, and every custom strategy, extends one.
 */
export function openMessageCalls(): void {
  for (const server of messageServers()) if (isFirst(server)) prepareServer(server);
}

function prepareServer(server: MessageServer): void {
  const { addHandler } = server;
  server.addHandler = function (this: MessageServer, pattern, handler, ...rest) {
    // A proxy, because servers keep properties on the handler, and Nest reads them from the function that it passed.
    const inCall = new Proxy(handler, {
      apply: (target, self, args: unknown[]) =>
        runMessage(contextOf('rpc', messageArguments(args)), () => Reflect.apply(target, self, args)),
    });
    return addHandler.call(this, pattern, inCall, ...rest);
  };
}

/** Nest calls the second and further handlers of an event with its own object before the arguments, if one is request-scoped. */
function messageArguments(args: unknown[]): unknown[] {
  const [first, ...others] = args;
  const host = first as { getPattern?: unknown; data?: unknown } | null | undefined;
  return typeof host?.getPattern === 'function' && host.data === others[0] ? others : args;
}

function messageServers(): MessageServer[] {
  let exports: Record<string, unknown>;
  try {
    exports = createRequire(import.meta.url)('@nestjs/microservices') as Record<string, unknown>;
  } catch {
    // Not installed, or bundled: the interceptors of the handlers then open the calls, after their guards.
    return [];
  }
  return Object.values(exports)
    .map((value) =>
      typeof value === 'function' ? (value.prototype as MessageServer | undefined) : undefined,
    )
    .filter(
      (prototype) => prototype !== undefined && Object.hasOwn(prototype, 'addHandler'),
    ) as MessageServer[];
}
