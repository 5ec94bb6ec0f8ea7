import type { HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { ApplicationScope } from './application-scope.ts';
import { openHttpCalls } from './http-calls.ts';
import { prepareHandlers } from './prepare-handlers.ts';
import { checkRegistrations } from './registrations.ts';
import { sharedState } from './shared-state.ts';

const scopes = sharedState('scopes', () => new WeakMap<ModulesContainer, ApplicationScope>());

/** Returns the scope of an application, and prepares the application the first time. */
export function scopeOf(modules: ModulesContainer, adapterHost: HttpAdapterHost): ApplicationScope {
  const known = scopes.get(modules);
  if (known !== undefined) return known;
  checkRegistrations(modules);
  const scope = new ApplicationScope(modules);
  scopes.set(modules, scope);
  prepareHandlers(scope);
  openHttpCalls(adapterHost, scope);
  return scope;
}
