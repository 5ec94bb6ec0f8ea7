import {
  type CallHandler,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
  Optional,
} from '@nestjs/common';
import { map, Observable } from 'rxjs';
import type { ApplicationScope } from './application-scope.ts';
import { type ConfigCall, callOf, runInCall } from './config-call.ts';
import { SCOPE } from './tokens.ts';

/** Runs the handlers of messages and GraphQL subscriptions in a {@link ConfigCall} of their own. */
@Injectable()
export class ConfigCallInterceptor implements NestInterceptor {
  readonly scope: ApplicationScope | undefined;

  // Optional: an application without a configuration can have the same handlers as one with it.
  constructor(@Optional() @Inject(SCOPE) scope?: ApplicationScope) {
    this.scope = scope;
  }

  intercept(executionContext: ExecutionContext, next: CallHandler): Observable<unknown> {
    const call = callOf(executionContext, this.scope);
    return new Observable((subscriber) =>
      runInCall(call, () =>
        next
          .handle()
          .pipe(map((result: unknown) => iterateInCall(result, call)))
          .subscribe(subscriber),
      ),
    );
  }
}

/** A subscription's events are pulled later, by the connection, which runs in no call. */
function iterateInCall(result: unknown, call: ConfigCall): unknown {
  if (typeof result !== 'object' || result === null || !(Symbol.asyncIterator in result)) return result;
  const iterator = (result as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  const ended = (value?: unknown): Promise<IteratorResult<unknown>> => Promise.resolve({ done: true, value });
  return {
    next: () => runInCall(call, () => iterator.next()),
    return: (value?: unknown) => runInCall(call, () => iterator.return?.(value) ?? ended(value)),
    throw: (error: unknown) => runInCall(call, () => iterator.throw?.(error) ?? Promise.reject(error)),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
