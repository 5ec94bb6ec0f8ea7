import type { HttpAdapterHost } from '@nestjs/core';
import type { ApplicationScope } from './application-scope.ts';
import { ConfigCall, runInCall, setCallOf } from './config-call.ts';

interface FastifyInstance {
  addHook(
    name: 'onRequest',
    hook: (request: { raw: object }, reply: object, done: () => void) => void,
  ): unknown;
}

interface HttpCallOptions {
  request: object;
  /** Node's request; the same as `request` on Express. */
  raw: object;
  response: object;
  scope: ApplicationScope;
}

/**
 * Opens a {@link ConfigCall} for each HTTP request, before any middleware or hook of the application: providers are created
 * before the application can add its own.
 */
export function openHttpCalls(adapterHost: HttpAdapterHost, scope: ApplicationScope): void {
  // A testing module gets its adapter later, when it creates the application.
  adapterHost.init$.subscribe(() => attach(adapterHost, scope));
}

function attach({ httpAdapter }: HttpAdapterHost, scope: ApplicationScope): void {
  const type: string | undefined = httpAdapter?.getType?.();
  if (type === 'fastify') {
    httpAdapter
      .getInstance<FastifyInstance>()
      .addHook('onRequest', (request, reply, done) =>
        open({ request, raw: request.raw, response: reply, scope }, done),
      );
  } else if (type === 'express') {
    httpAdapter.use((request: object, response: object, next: () => void) =>
      open({ request, raw: request, response, scope }, next),
    );
  }
}

function open(options: HttpCallOptions, next: () => void): void {
  const { request, raw, response, scope } = options;
  const call = new ConfigCall({ scope, origin: [request, response] });
  // A body parser or upload can lose the asynchronous context; its handler is then found by the request.
  setCallOf(request, call);
  if (raw !== request) setCallOf(raw, call);
  runInCall(call, next);
}
