import type { ExecutionContext } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { OptionsError } from '@smooai/config';
import type { ConfigInstance } from './config-instance.ts';
import { type HostClass, hostsOf, type NestModule } from './hosts.ts';
import { sharedState } from './shared-state.ts';
import { instanceToken } from './tokens.ts';

/** Applications that have not been closed. Weak, because tests forget to close theirs. */
const live = sharedState('live', () => new Set<WeakRef<ApplicationScope>>());

/** One Nest application: finds the configuration that a class sees. */
export class ApplicationScope {
  // Not #private, here and in all that Nest provides: NestFactory can wrap instances in a proxy.
  readonly modules: ModulesContainer;
  private readonly ref: WeakRef<ApplicationScope>;
  private readonly instances = new Map<HostClass, Map<string, ConfigInstance>>();

  constructor(modules: ModulesContainer) {
    this.modules = modules;
    this.ref = new WeakRef<ApplicationScope>(this);
    live.add(this.ref);
  }

  close(): void {
    live.delete(this.ref);
  }

  /**
   * Returns the instance of that name that the modules of a class see; undefined if they see none.
   *
   * @throws {OptionsError} if the class is in two modules that see different ones.
   */
  instanceOf(host: HostClass, name: string): ConfigInstance | undefined {
    const known = this.instances.get(host)?.get(name);
    if (known !== undefined) return known;
    const found = new Set<ConfigInstance>();
    for (const module of hostsOf(this.modules).get(host) ?? []) {
      const seen = visibleInstance(module, instanceToken(name));
      if (seen !== undefined) found.add(seen);
    }
    if (found.size > 1) {
      throw new OptionsError(
        'name',
        `${host.name} is in several modules that import different SmooConfigModules named "${name}". ` +
          'Give each its own "name", or its own class.',
      );
    }
    const [instance] = found;
    // Not remembered if there is none: the application may still be starting.
    if (instance !== undefined) {
      const byName = this.instances.get(host) ?? new Map<string, ConfigInstance>();
      this.instances.set(host, byName.set(name, instance));
    }
    return instance;
  }
}

/**
 * Returns the instance for the handler of a call.
 *
 * @param scope - that of the call, if it is known.
 * @throws {OptionsError} if there is none, or if several running applications have the class.
 */
export function instanceFor(
  executionContext: ExecutionContext,
  name: string,
  scope: ApplicationScope | undefined,
): ConfigInstance {
  const host = executionContext.getClass();
  const own = scope?.instanceOf(host, name);
  if (own !== undefined) return own;
  const found = (scope === undefined ? liveScopes() : [])
    .map((candidate) => candidate.instanceOf(host, name))
    .filter((one) => one !== undefined);
  const [instance, ...others] = found;
  if (instance !== undefined && others.length === 0) return instance;
  throw new OptionsError(
    'name',
    instance === undefined
      ? `${host.name} sees no SmooConfigModule named "${name}". Import one in its module, or make it global.`
      : `${host.name} is in ${found.length} running applications, and the call does not say to which it belongs. ` +
          'Close the others.',
  );
}

function liveScopes(): ApplicationScope[] {
  return [...live].map((ref) => ref.deref()).filter((scope) => scope !== undefined);
}

/** Looks through modules as Nest's injector does: own providers, imports, and what those export again. */
function visibleInstance(
  module: NestModule,
  token: symbol,
  seen: Set<NestModule> = new Set(),
): ConfigInstance | undefined {
  const own = module.providers.get(token);
  if (own !== undefined) return (own.instance as ConfigInstance | null) ?? undefined;
  const isFirst = seen.size === 0;
  seen.add(module);
  for (const imported of module.imports) {
    if (seen.has(imported) || !(isFirst || module.exports.has(imported.metatype))) continue;
    const instance = visibleInstance(imported, token, seen);
    if (instance !== undefined) return instance;
  }
  return undefined;
}
