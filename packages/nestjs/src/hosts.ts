import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';

/** A class that Nest creates: a controller, gateway, resolver or other provider. */
export type HostClass = Type<unknown>;

export type NestModule = ModulesContainer extends Map<string, infer Module> ? Module : never;

/** Returns the classes of an application, each with the modules that have it as a controller or provider. */
export function hostsOf(modules: ModulesContainer): Map<HostClass, Set<NestModule>> {
  const hosts = new Map<HostClass, Set<NestModule>>();
  for (const module of modules.values()) {
    for (const wrapper of [...module.controllers.values(), ...module.providers.values()]) {
      const host = classOf(wrapper);
      if (host === undefined) continue;
      const known = hosts.get(host) ?? new Set();
      hosts.set(host, known.add(module));
    }
  }
  return hosts;
}

/** The class of a provider. That of a factory is known once its result exists. */
export function classOf(wrapper: {
  isNotMetatype: boolean;
  metatype: unknown;
  instance: unknown;
}): HostClass | undefined {
  if (!wrapper.isNotMetatype && typeof wrapper.metatype === 'function') return wrapper.metatype as HostClass;
  const instance = wrapper.instance;
  if (typeof instance !== 'object' || instance === null) return undefined;
  const prototype = Object.getPrototypeOf(instance) as { constructor?: unknown } | null;
  const host = prototype?.constructor;
  return typeof host === 'function' && host !== Object ? (host as HostClass) : undefined;
}
