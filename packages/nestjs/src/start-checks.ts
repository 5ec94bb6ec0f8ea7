import { Logger } from '@nestjs/common';
import { MetadataScanner } from '@nestjs/core';
import { OptionsError, tierNames, UnknownKeyError } from '@smooai/config';
import type { ApplicationScope } from './application-scope.ts';
import { EMPTY_CONTEXT } from './config-call.ts';
import type { ConfigInstance } from './config-instance.ts';
import {
  type EvaluatedParameter,
  injections,
  parameters,
  type Requirement,
  requirements,
} from './handler-metadata.ts';
import { type HostClass, hostsOf } from './hosts.ts';
import { refuseUnchecked } from './unchecked-methods.ts';

const PARAMETER_TYPES = 'design:paramtypes';
const PROPERTY_TYPE = 'design:type';
const GRAPHQL_FIELD = 'graphql:resolve_property';
const GRAPHQL_OPTIONS = 'GqlModuleOptions';

/** The types that TypeScript emits for decorated parameters, and that say something about the value. */
const PRIMITIVES = new Map<unknown, string>([
  [String, 'string'],
  [Number, 'number'],
  [Boolean, 'boolean'],
]);

const scanner = new MetadataScanner();

/**
 * Finds what could not work or would not be checked, before the first call.
 *
 * @throws {OptionsError} that names the class and the method.
 */
export function checkHosts(scope: ApplicationScope): void {
  const guardsFields = fieldsAreGuarded(scope);
  for (const host of hostsOf(scope.modules).keys()) {
    refuseUnchecked(host);
    checkInjections(host, scope);
    for (const method of scanner.getAllMethodNames(host.prototype as object)) {
      for (const parameter of parameters.ofMethod(host, method))
        checkParameter(host, method, parameter, scope);
      if (!guardsFields) refuseUnguardedField(host, method);
      for (const requirement of requirements.ofMethod(host, method))
        checkRequirement(host, requirement, scope);
    }
    for (const requirement of requirements.ofClass(host)) checkRequirement(host, requirement, scope);
  }
}

function checkRequirement(host: HostClass, { name, key, label }: Requirement, scope: ApplicationScope): void {
  const { client } = instanceOf(scope, host, name, label);
  if (key === undefined || client.config.keys.get(key)?.tier === 'feature_flag') return;
  // Not an error: the guard refuses, so nothing is open that should not be.
  new Logger('SmooConfig').warn(
    `${label} on ${host.name} refuses every call: the schema has no such flag. Declare it under "flags", or check its name.`,
  );
}

/** @throws {UnknownKeyError} for a parameter that would never have a value. */
function requireKey(
  { client }: ConfigInstance,
  { tier, key, place }: Pick<EvaluatedParameter, 'tier' | 'key'> & { place: string },
): void {
  if (client.config.keys.get(key)?.tier === tier) return;
  const { group } = tierNames(tier);
  throw new UnknownKeyError(
    key,
    `${place}: the schema has no "${key}" under "${group}". Declare it there, or check its name.`,
  );
}

function checkParameter(
  host: HostClass,
  method: string,
  { name, tier, key, label, index, read }: EvaluatedParameter,
  scope: ApplicationScope,
): void {
  const instance = instanceOf(scope, host, name, label);
  requireKey(instance, { tier, key, place: `${label} on ${host.name}.${method}` });
  const types = Reflect.getMetadata(PARAMETER_TYPES, host.prototype as object, method) as
    | unknown[]
    | undefined;
  checkType(types?.[index], read(instance.client, EMPTY_CONTEXT), {
    place: `${host.name}.${method}`,
    label,
  });
}

function checkInjections(host: HostClass, scope: ApplicationScope): void {
  for (const { name, label, tier, key, plain, place } of injections.ofClass(host)) {
    const { client } = instanceOf(scope, host, name, label);
    // Throws if the schema has no such key.
    const value: unknown = client[tier](key);
    const types = Reflect.getMetadata(PARAMETER_TYPES, host) as unknown[] | undefined;
    const emitted =
      typeof place === 'number'
        ? types?.[place]
        : (Reflect.getMetadata(PROPERTY_TYPE, host.prototype as object, place) as unknown);
    checkType(emitted, plain ? value : {}, { place: host.name, label });
  }
}

/** Only a primitive type can be compared: a union is emitted as `Object`, and a class may be a structural type. */
function checkType(
  emitted: unknown,
  value: unknown,
  { place, label }: { place: string; label: string },
): void {
  const declared = PRIMITIVES.get(emitted);
  if (declared === undefined || value === undefined || value === null || typeof value === declared) return;
  const actual = typeof value === 'object' ? 'an object' : `a ${typeof value}`;
  throw new OptionsError(
    'decorators',
    `${label} on ${place} injects ${actual}, but is declared as a ${declared}. Declare it with FlagValue, PublicValue ` +
      'or LiveValue, or read it from SmooConfigService, whose types the compiler checks.',
  );
}

function instanceOf(scope: ApplicationScope, host: HostClass, name: string, label: string): ConfigInstance {
  const instance = scope.instanceOf(host, name);
  if (instance !== undefined) return instance;
  throw new OptionsError(
    'name',
    `${label} on ${host.name} sees no SmooConfigModule named "${name}". Import one in its module, or make it global.`,
  );
}

/** Whether guards run on the fields of GraphQL objects; `true` without GraphQL. */
function fieldsAreGuarded(scope: ApplicationScope): boolean {
  for (const module of scope.modules.values()) {
    const options = module.providers.get(GRAPHQL_OPTIONS)?.instance as
      | { fieldResolverEnhancers?: readonly string[] }
      | null
      | undefined;
    if (options) return options.fieldResolverEnhancers?.includes('guards') === true;
  }
  return true;
}

function refuseUnguardedField(host: HostClass, method: string): void {
  const handler = (host.prototype as Record<string, object | undefined>)[method];
  if (handler === undefined || !Reflect.hasMetadata(GRAPHQL_FIELD, handler)) return;
  const [requirement] = [...requirements.ofMethod(host, method), ...requirements.ofClass(host)];
  if (requirement === undefined) return;
  throw new OptionsError(
    'fieldResolverEnhancers',
    `${requirement.label} on the field ${host.name}.${method} would not be checked, because GraphQLModule runs no guards ` +
      "on fields. Add fieldResolverEnhancers: ['guards'] to its options.",
  );
}
