import { Logger } from '@nestjs/common';
import { MetadataScanner } from '@nestjs/core';
import { OptionsError, tierNames } from '@smooai/config';
import type { ApplicationScope } from './application-scope.ts';
import type { ConfigInstance } from './config-instance.ts';
import { listeners } from './handler-metadata.ts';
import { classOf, type HostClass } from './hosts.ts';
import { isPromise } from './is-promise.ts';

const scanner = new MetadataScanner();

/**
 * Subscribes the methods with `@OnConfigChange` of all providers that see this instance. Returns a function that
 * unsubscribes them.
 *
 * @throws {OptionsError} for a path that is not in the schema, or a class that Nest creates for each request.
 */
export function subscribeListeners(scope: ApplicationScope, instance: ConfigInstance): () => void {
  const subscriptions: (() => void)[] = [];
  for (const { host, method, paths, target } of methodsOf(scope, instance)) {
    const keys = new Map(paths.map((path) => [keyOf(path, instance, `${host.name}.${method}`), path]));
    subscriptions.push(
      instance.client.subscribe((change) => {
        const changed = change.keys.map((key) => keys.get(key)).filter((path) => path !== undefined);
        if (changed.length > 0) callListener({ target, method, host, paths, changed });
      }),
    );
  }
  return () => {
    for (const unsubscribe of subscriptions) unsubscribe();
  };
}

interface ListeningMethod {
  host: HostClass;
  method: string;
  paths: readonly string[];
  target: Record<string, (changed: readonly string[]) => unknown>;
}

function* methodsOf(scope: ApplicationScope, instance: ConfigInstance): Generator<ListeningMethod> {
  const seen = new Set<unknown>();
  for (const module of scope.modules.values()) {
    for (const wrapper of [...module.providers.values(), ...module.controllers.values()]) {
      const host = classOf(wrapper);
      if (host === undefined || seen.has(wrapper.instance)) continue;
      for (const method of scanner.getAllMethodNames(host.prototype as object)) {
        for (const { name, paths } of listeners.ofMethod(host, method)) {
          if (name !== instance.name || scope.instanceOf(host, name) !== instance) continue;
          if (!wrapper.isDependencyTreeStatic() || wrapper.isTransient) throw notStatic(host, method);
          seen.add(wrapper.instance);
          yield { host, method, paths, target: wrapper.instance as ListeningMethod['target'] };
        }
      }
    }
  }
}

function callListener({
  target,
  method,
  host,
  paths,
  changed,
}: ListeningMethod & { changed: readonly string[] }): void {
  const fail = (error: unknown): void => {
    const text = textOf(
      error,
      paths.some((path) => path.startsWith('secrets.')),
    );
    new Logger('SmooConfig').error(`@OnConfigChange on ${host.name}.${method} failed: ${text}`);
  };
  try {
    const result = target[method]?.(changed);
    if (isPromise(result)) Promise.resolve(result).catch(fail);
  } catch (error) {
    fail(error);
  }
}

/** Without the message if it can contain a new secret, such as that of an invalid URL. */
function textOf(error: unknown, isSecret: boolean): string {
  if (!(error instanceof Error)) return isSecret ? typeof error : String(error);
  const stack = error.stack ?? error.message;
  if (!isSecret) return stack;
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  return [error.name, ...frames].join('\n');
}

function keyOf(path: string, { client, name }: ConfigInstance, place: string): string {
  const [group = '', key = ''] = path.split(/\.(.*)/s);
  const definition = client.config.keys.get(key);
  if (definition !== undefined && tierNames(definition.tier).group === group) return key;
  throw new OptionsError(
    'decorators',
    `@OnConfigChange("${path}") on ${place}: the schema of "${name}" has no such key. Write the group first, such as ` +
      '"flags.newCheckout".',
  );
}

function notStatic(host: HostClass, method: string): OptionsError {
  return new OptionsError(
    'decorators',
    `@OnConfigChange on ${host.name}.${method} needs a provider that lives as long as the application. ` +
      `${host.name} is created for each request or injection.`,
  );
}
