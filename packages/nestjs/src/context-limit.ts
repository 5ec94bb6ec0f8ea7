import { type ExecutionContext, Logger, ServiceUnavailableException } from '@nestjs/common';
import type { AnyConfig, ConfigContext } from '@smooai/config';
import type { ContextFactory } from './config-instance.ts';
import { isPromise } from './is-promise.ts';

const DEFAULT_TIMEOUT_MS = 10_000;

interface LimitOptions {
  /** The instance that the factory belongs to. */
  name: string;
  timeoutMs: number | undefined;
}

/**
 * Limits how long a call waits for its context. When the time is up, the call is refused with the 503 of its transport, and
 * the log names the option; a later result of the factory is ignored.
 */
export function limitedContext(
  factory: ContextFactory<AnyConfig>,
  { name, timeoutMs = DEFAULT_TIMEOUT_MS }: LimitOptions,
): ContextFactory<AnyConfig> {
  return (executionContext) => {
    const context = factory(executionContext);
    if (!isPromise(context)) return context;
    return new Promise<ConfigContext<AnyConfig>>((resolve, reject) => {
      const timer = setTimeout(() => {
        new Logger('SmooConfig').error(
          `The "context" function of SmooConfigModule "${name}" has not settled within ${timeoutMs} ms, so its call was ` +
            'refused. Make it faster, or raise "contextTimeoutMs".',
        );
        reject(unavailable(executionContext));
      }, timeoutMs);
      // The connection of the call keeps the process alive; the timer need not.
      timer.unref();
      const settled = (): void => clearTimeout(timer);
      context.then(settled, settled);
      context.then(resolve, reject);
    });
  };
}

/** Without a message of ours, because the client of the application sees it. GraphQL reads the code from `extensions`. */
function unavailable(executionContext: ExecutionContext): ServiceUnavailableException {
  const error = new ServiceUnavailableException();
  const type: string = executionContext.getType();
  return type === 'graphql' ? Object.assign(error, { extensions: { code: 'SERVICE_UNAVAILABLE' } }) : error;
}
