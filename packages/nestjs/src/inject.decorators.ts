import { Inject } from '@nestjs/common';
import { OptionsError, type PublicKey, type SecretKey } from '@smooai/config';
import { type Injection, injections } from './handler-metadata.ts';
import { sharedState } from './shared-state.ts';
import { SmooConfigService } from './smoo-config.service.ts';
import { DEFAULT_NAME, getConfigClientToken, getConfigServiceToken, valueToken } from './tokens.ts';

export interface InjectValueOptions {
  /** Injects the value itself, as it is when the application starts, in place of a {@link LiveValue}. */
  plain?: boolean;
}

/** What any class asks for, by the instance's name. The module provides it when Nest reads its providers. */
const requested = sharedState('injections', () => new Map<symbol, Injection>());

/**
 * Injects a config client. Its values have already been loaded.
 *
 * @param name - the `name` that the module was registered with; default: the instance without one.
 * @example
 * constructor(@InjectConfigClient() private readonly config: ConfigClient) {}
 */
export function InjectConfigClient(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getConfigClientToken(name));
}

/** Injects the {@link SmooConfigService} of a named instance. The one without a name needs no decorator. */
export function InjectConfigService(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(name === undefined ? SmooConfigService : getConfigServiceToken(name));
}

/**
 * Injects a public value that follows its changes, a `LiveValue<PublicValue<'key'>>`; with `plain: true`, the value itself.
 *
 * @example
 * constructor(@InjectPublic('apiBaseUrl', { plain: true }) private readonly url: string) {}
 */
export function InjectPublic<Key extends PublicKey>(
  key: Key,
  options: InjectValueOptions = {},
): PropertyDecorator & ParameterDecorator {
  return injectValue(DEFAULT_NAME, { tier: 'public', key, plain: options.plain === true });
}

/**
 * Injects a secret that follows its rotation, a `LiveValue<SecretValue<'key'>>`; with `plain: true`, the value itself.
 *
 * @example
 * constructor(@InjectSecret('paymentKey') private readonly key: LiveValue<string>) {}
 */
export function InjectSecret<Key extends SecretKey>(
  key: Key,
  options: InjectValueOptions = {},
): PropertyDecorator & ParameterDecorator {
  return injectValue(DEFAULT_NAME, { tier: 'secret', key, plain: options.plain === true });
}

export function injectValue(
  name: string,
  injected: Pick<Injection, 'tier' | 'key' | 'plain'>,
): PropertyDecorator & ParameterDecorator {
  const token = valueToken(name, injected);
  const label = `@Inject${injected.tier === 'public' ? 'Public' : 'Secret'}("${injected.key}")`;
  const inject = Inject(token);
  return (target: object, property: string | symbol | undefined, index?: number) => {
    if (index !== undefined && property !== undefined) {
      throw new OptionsError(
        'decorators',
        `${label} is on a parameter of ${target.constructor.name}.${String(property)}. Nest injects into constructors and ` +
          'properties. Inject the value there, or fill the parameter of a handler with @Public.',
      );
    }
    // The target of a property is the prototype, that of a constructor's parameter is the class.
    const host = index === undefined ? (target as { constructor: object }).constructor : target;
    const injection: Injection = { ...injected, name, label, place: index ?? property ?? '' };
    injections.add(host, undefined, injection);
    requested.set(token, injection);
    (inject as (target: object, property: string | symbol | undefined, index?: number) => void)(
      target,
      property,
      index,
    );
  };
}

/** Returns what the classes that have been loaded ask for of an instance. */
export function requestedValues(name: string): [token: symbol, injection: Injection][] {
  return [...requested].filter(([, injection]) => injection.name === name);
}
