import type { ExecutionContext } from '@nestjs/common';
import type { AnyConfig, ConfigContext, RegisteredConfig } from '@smooai/config';
import type { ConfigClient, ConfigTracer } from '@smooai/config/server';
import { isPromise } from './is-promise.ts';

/** Returns the evaluation context of a call, such as the user who sent the request. May be asynchronous. */
export type ContextFactory<Config extends AnyConfig = RegisteredConfig> = (
  executionContext: ExecutionContext,
) => ConfigContext<Config> | Promise<ConfigContext<Config>>;

/** One configuration of an application: its client, and how the context of a call is found. */
export interface ConfigInstance {
  name: string;
  client: ConfigClient<AnyConfig>;
  context: ContextFactory<AnyConfig> | undefined;
}

const STATUS_ERROR = 2;

/** Reports each run of the factory as a span, without its result, which may identify a person. */
export function tracedContext(
  factory: ContextFactory<AnyConfig>,
  tracer: ConfigTracer,
): ContextFactory<AnyConfig> {
  return (executionContext) => {
    const span = tracer.startSpan('config context');
    const fail = (error: unknown): never => {
      span.setAttribute('error.type', error instanceof Error ? error.name : 'unknown');
      span.setStatus({ code: STATUS_ERROR });
      span.end();
      throw error;
    };
    let context: ReturnType<ContextFactory<AnyConfig>>;
    try {
      context = factory(executionContext);
    } catch (error) {
      return fail(error);
    }
    if (!isPromise(context)) {
      span.end();
      return context;
    }
    return context.then((value) => {
      span.end();
      return value;
    }, fail);
  };
}
