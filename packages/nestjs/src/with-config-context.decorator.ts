import type { ConfigContext } from '@smooai/config';
import { runWithContext } from './config-call.ts';
import { isPromise } from './is-promise.ts';

/**
 * Runs a method that no request calls, such as a cron job or a queue's processor, with an evaluation context: the given
 * one, or one made of the method's arguments. Without either, with the empty context.
 *
 * @example
 * @WithConfigContext((job: Job) => ({ tenant: job.data.tenant })) process(job: Job) {}
 */
export function WithConfigContext<Args extends unknown[]>(
  context: ConfigContext | ((...args: Args) => ConfigContext | Promise<ConfigContext>) = {},
): MethodDecorator {
  return (_target: object, _method: string | symbol, descriptor: PropertyDescriptor) => {
    const run = descriptor.value as (...args: unknown[]) => unknown;
    const inContext = {
      // A computed name, so that the function is called as the method is.
      [run.name](this: unknown, ...args: unknown[]): unknown {
        const found = typeof context === 'function' ? context(...(args as Args)) : context;
        const call = (value: ConfigContext): unknown => runWithContext(value, () => run.apply(this, args));
        return isPromise<ConfigContext>(found) ? found.then(call) : call(found);
      },
    }[run.name] as (...args: unknown[]) => unknown;
    // Decorators below this one, such as @Cron, have left theirs on the function.
    for (const key of Reflect.getOwnMetadataKeys(run) as unknown[]) {
      Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, run), inContext);
    }
    descriptor.value = inContext;
  };
}
