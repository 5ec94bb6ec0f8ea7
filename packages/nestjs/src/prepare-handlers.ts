import { GUARDS_METADATA, INTERCEPTORS_METADATA } from '@nestjs/common/constants.js';
import { MetadataScanner } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { OptionsError } from '@smooai/config';
import type { ApplicationScope } from './application-scope.ts';
import { ConfigCallInterceptor } from './config-call.interceptor.ts';
import { ConfigCall, runInCall } from './config-call.ts';
import { documentRefusals } from './document-refusals.ts';
import { FlagGuard } from './flag.guard.ts';
import { type Requirement, requirements } from './handler-metadata.ts';
import { type HostClass, hostsOf, type NestModule } from './hosts.ts';
import { sharedState } from './shared-state.ts';

const RPC_PATTERN = 'microservices:pattern';
const WS_MESSAGE = 'websockets:message_mapping';
const WS_GATEWAY = 'websockets:is_gateway';
const GRAPHQL_TYPE = 'graphql:resolver_type';

const scanner = new MetadataScanner();

/**
 * Prepares the handlers of an application after Nest has found its classes and before it registers a handler: the guards of
 * `@RequireFlag` go last, and messages, subscriptions and connections get calls of their own.
 */
export function prepareHandlers(scope: ApplicationScope): void {
  for (const [host, modules] of hostsOf(scope.modules)) {
    const methods = scanner.getAllMethodNames(host.prototype as object);
    const ofClass = requirements.ofClass(host);
    for (const method of methods) {
      const handler = (host.prototype as Record<string, object>)[method];
      if (handler === undefined) continue;
      const ofMethod = requirements.ofMethod(host, method);
      refuseLost({ host, method, handler, ofMethod });
      const required = [...ofClass, ...ofMethod];
      if (required.length > 0) {
        guardLast(handler);
        documentRefusals(host, handler, statusesOf(required));
      }
      if (isMessageHandler(handler)) for (const module of modules) openCalls(handler, module, scope);
    }
    if (ofClass.length > 0) setMetadata(GUARDS_METADATA, withoutFlagGuard(host), host);
    if (Reflect.hasMetadata(WS_GATEWAY, host)) openConnections(host);
  }
}

/** A decorator that replaces a method and drops its metadata would silently end the check. */
function refuseLost(options: {
  host: HostClass;
  method: string;
  handler: object;
  ofMethod: readonly Requirement[];
}): void {
  const kept = requirements.ofFunction(options.handler);
  const lost = options.ofMethod.find((requirement) => !kept.includes(requirement));
  if (lost === undefined) return;
  throw new OptionsError(
    'decorators',
    `${lost.label} on ${options.host.name}.${options.method} is lost, because a decorator above it replaces the method and ` +
      'drops its metadata. Write @RequireFlag above that decorator.',
  );
}

/**
 * Moves the guard behind the handler's other guards. Decorators apply from the bottom up, so a guard that stands above
 * `@RequireFlag`, such as one that finds out who the user is, would otherwise run after it.
 */
function guardLast(handler: object): void {
  setMetadata(GUARDS_METADATA, [...withoutFlagGuard(handler), FlagGuard], handler);
}

function statusesOf(required: readonly Requirement[]): number[] {
  return required.map(({ status }) => status);
}

function withoutFlagGuard(target: object): unknown[] {
  return listOf(GUARDS_METADATA, target).filter((guard) => guard !== FlagGuard);
}

function isMessageHandler(handler: object): boolean {
  return (
    Reflect.hasMetadata(RPC_PATTERN, handler) ||
    Reflect.hasMetadata(WS_MESSAGE, handler) ||
    Reflect.getMetadata(GRAPHQL_TYPE, handler) === 'Subscription'
  );
}

/** On the handler itself, because a hybrid application does not give its global interceptors to its microservices. */
function openCalls(handler: object, module: NestModule, scope: ApplicationScope): void {
  const known = listOf(INTERCEPTORS_METADATA, handler);
  if (!known.includes(ConfigCallInterceptor)) {
    setMetadata(INTERCEPTORS_METADATA, [ConfigCallInterceptor, ...known], handler);
  }
  // If an earlier application prepared this handler, Nest has found the interceptor itself and creates it.
  if (module.injectables.has(ConfigCallInterceptor)) return;
  module.addInjectable(
    { provide: ConfigCallInterceptor, useValue: new ConfigCallInterceptor(scope) },
    'interceptor',
  );
}

const wrapped = sharedState('connections', () => new WeakSet<object>());

/** Nest calls these methods without guards or interceptors. */
function openConnections(gateway: HostClass): void {
  const prototype = gateway.prototype as Record<string, ((...args: unknown[]) => unknown) | undefined>;
  for (const name of ['handleConnection', 'handleDisconnect']) {
    const handle = prototype[name];
    if (handle === undefined || wrapped.has(handle)) continue;
    const inCall = function (this: object, ...args: unknown[]): unknown {
      const origin = new ExecutionContextHost(args, this.constructor as HostClass, handle);
      origin.setType('ws');
      return runInCall(new ConfigCall({ origin }), () => handle.apply(this, args));
    };
    wrapped.add(inCall);
    prototype[name] = inCall;
  }
}

function listOf(key: string, target: object): unknown[] {
  return (Reflect.getMetadata(key, target) as unknown[] | undefined) ?? [];
}

function setMetadata(key: string, value: unknown[], target: object): void {
  Reflect.defineMetadata(key, value, target);
}
