import {
  EXCEPTION_FILTERS_METADATA,
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  PIPES_METADATA,
} from '@nestjs/common/constants.js';
import { MetadataScanner } from '@nestjs/core';
import { OptionsError } from '@smooai/config';
import { METADATA_PREFIX, parameters, requirements } from './handler-metadata.ts';
import type { HostClass } from './hosts.ts';

/** Starts of the keys of metadata that makes no method a handler that Nest runs guards for. */
const NEUTRAL = [
  METADATA_PREFIX,
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  PIPES_METADATA,
  EXCEPTION_FILTERS_METADATA,
  'swagger/',
  // @nestjs/schedule, event-emitter, bull and bullmq call methods without guards.
  'SCHEDULE',
  'EVENT_LISTENER_METADATA',
  'bull',
];

const scanner = new MetadataScanner();

/**
 * Refuses `@RequireFlag`, `@Flag` and their siblings on methods that no request or message reaches: Nest applies guards and
 * parameters only when it calls a handler.
 *
 * @throws {OptionsError} that names the class and the method.
 */
export function refuseUnchecked(host: HostClass): void {
  const methods = scanner.getAllMethodNames(host.prototype as object);
  const others = methods.filter((method) => !isHandler(host, method));
  for (const method of others) {
    const [lost] = [...requirements.ofMethod(host, method), ...parameters.ofMethod(host, method)];
    if (lost !== undefined) throw unchecked(lost.label, `${host.name}.${method}`, 'this is not one');
  }
  const [lost] = requirements.ofClass(host);
  if (lost === undefined || others.length === 0 || others.length < methods.length) return;
  throw unchecked(lost.label, host.name, 'the class has none');
}

/** Whether a method has metadata by which Nest, or a library, knows it as a handler. */
function isHandler(host: HostClass, method: string): boolean {
  const handler = (host.prototype as Record<string, object | undefined>)[method];
  if (handler === undefined) return false;
  return Reflect.getMetadataKeys(handler).some((key: unknown) => !isNeutral(key));
}

function isNeutral(key: unknown): boolean {
  return typeof key === 'string' && NEUTRAL.some((start) => key.startsWith(start));
}

function unchecked(label: string, place: string, reason: string): OptionsError {
  return new OptionsError(
    'decorators',
    `${label} on ${place} would do nothing: Nest applies it only to handlers of controllers, resolvers and gateways, and ` +
      `${reason}. Read the flag there with SmooConfigService.`,
  );
}
