import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type FlagKey, type LimitKey, OptionsError, type PublicKey } from '@smooai/config';
import { instanceFor } from './application-scope.ts';
import { callOf } from './config-call.ts';
import { type EvaluatedParameter, parameters } from './handler-metadata.ts';
import type { HostClass } from './hosts.ts';
import { isPromise } from './is-promise.ts';
import { DEFAULT_NAME } from './tokens.ts';

/**
 * Injects a flag's value for the context of the call into a parameter of a handler. It never throws: without a stored
 * value, the parameter is the schema's default. The compiler cannot compare the parameter's type with the schema;
 * `FlagValue` names the right one.
 *
 * @example
 * @Get() list(@Flag('theme') theme: FlagValue<'theme'>) {}
 */
export function Flag<Key extends FlagKey>(key: Key): ParameterDecorator {
  return flagParameter(DEFAULT_NAME, key);
}

/** Like {@link Flag}, but injects the reason too: a `FlagDetailsValue<'key'>`. */
export function FlagDetails<Key extends FlagKey>(key: Key): ParameterDecorator {
  return flagDetailsParameter(DEFAULT_NAME, key);
}

/**
 * Injects a limit's value for the context of the call into a parameter of a handler, rounded to its step and clamped.
 *
 * @example
 * @Get('limits') limits(@Limit('cartItems') max: number) {}
 */
export function Limit<Key extends LimitKey>(key: Key): ParameterDecorator {
  return limitParameter(DEFAULT_NAME, key);
}

/** Injects a public value into a parameter of a handler; its type is `PublicValue<'key'>`. */
export function Public<Key extends PublicKey>(key: Key): ParameterDecorator {
  return publicParameter(DEFAULT_NAME, key);
}

export function flagParameter(name: string, key: string): ParameterDecorator {
  return parameter({
    name,
    tier: 'feature_flag',
    key,
    label: `@Flag("${key}")`,
    read: (client, context) => client.flag(key, context),
  });
}

export function flagDetailsParameter(name: string, key: string): ParameterDecorator {
  return parameter({
    name,
    tier: 'feature_flag',
    key,
    label: `@FlagDetails("${key}")`,
    read: (client, context) => client.flagDetails(key, context),
  });
}

export function limitParameter(name: string, key: string): ParameterDecorator {
  return parameter({
    name,
    tier: 'limit',
    key,
    label: `@Limit("${key}")`,
    read: (client, context) => client.limit(key, context),
  });
}

export function publicParameter(name: string, key: string): ParameterDecorator {
  return parameter({
    name,
    tier: 'public',
    key,
    label: `@Public("${key}")`,
    read: (client) => client.public(key),
  });
}

type ParameterOptions = Omit<EvaluatedParameter, 'index'>;

/** The value is read here, and not in a pipe, so that the application's pipes see the value and nothing else. */
function parameter({ name, tier, key, label, read }: ParameterOptions): ParameterDecorator {
  const evaluate = (_key: unknown, executionContext: ExecutionContext): unknown => {
    const call = callOf(executionContext);
    const instance = instanceFor(executionContext, name, call.scope);
    const context = call.contextFor(instance, executionContext);
    if (isPromise(context)) return context.then((value) => read(instance.client, value));
    return read(instance.client, context);
  };
  const decorate = createParamDecorator(evaluate)(key);
  return (target, method, index) => {
    if (method === undefined) {
      throw new OptionsError(
        'decorators',
        `${label} is on a constructor of ${(target as HostClass).name}. It fills parameters of handlers; in a constructor, ` +
          'inject SmooConfigService and read the value when it is needed.',
      );
    }
    parameters.add(target, method, { name, tier, key, label, index, read });
    decorate(target, method, index);
  };
}
