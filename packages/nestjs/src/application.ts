import type {
  ApplicationConfig,
  ExternalContextCreator,
  HttpAdapterHost,
  ModulesContainer,
} from '@nestjs/core';
import { ApplicationScope } from './application-scope.ts';
import { openHttpCalls } from './http-calls.ts';
import { openExternalCalls, openMessageCalls, openSocketCalls } from './open-calls.ts';
import { prepareHandlers } from './prepare-handlers.ts';
import { checkRegistrations } from './registrations.ts';
import { sharedState } from './shared-state.ts';

const scopes = sharedState('scopes', () => new WeakMap<ModulesContainer, ApplicationScope>());

interface ApplicationParts {
  modules: ModulesContainer;
  adapterHost: HttpAdapterHost;
  applicationConfig: ApplicationConfig;
  externalCreator: ExternalContextCreator;
}

/** Returns the scope of an application, and prepares the application the first time. */
export function scopeOf({
  modules,
  adapterHost,
  applicationConfig,
  externalCreator,
}: ApplicationParts): ApplicationScope {
  const known = scopes.get(modules);
  if (known !== undefined) return known;
  checkRegistrations(modules);
  const scope = new ApplicationScope(modules);
  scopes.set(modules, scope);
  prepareHandlers(scope);
  openHttpCalls(adapterHost, scope);
  openExternalCalls(externalCreator, scope);
  openSocketCalls(applicationConfig);
  openMessageCalls();
  return scope;
}
