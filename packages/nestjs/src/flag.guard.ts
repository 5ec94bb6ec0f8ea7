import {
  type CanActivate,
  type ExecutionContext,
  HttpException,
  HttpStatus,
  Inject,
  Injectable,
  NotFoundException,
} from '@nestjs/common';
import { type ApplicationScope, instanceFor } from './application-scope.ts';
import { callOf } from './config-call.ts';
import { ConfigReader } from './config-reader.ts';
import { type Requirement, requirements } from './handler-metadata.ts';
import { isPromise } from './is-promise.ts';
import { SCOPE } from './tokens.ts';

/** Refuses a call unless all that `@RequireFlag` asks for, on the handler and its controller, is met. */
@Injectable()
export class FlagGuard implements CanActivate {
  // Not #private: NestFactory can wrap instances in a proxy.
  private readonly scope: ApplicationScope;
  /** By handler and class: a handler can be inherited. */
  private readonly required = new WeakMap<object, Map<object, readonly Requirement[]>>();

  constructor(@Inject(SCOPE) scope: ApplicationScope) {
    this.scope = scope;
  }

  canActivate(executionContext: ExecutionContext): boolean | Promise<boolean> {
    const required = this.requirementsOf(executionContext);
    for (let index = 0; index < required.length; index += 1) {
      const requirement = required[index] as Requirement;
      const isMet = this.isMet(requirement, executionContext);
      if (isPromise(isMet))
        return this.decide(required.slice(index + 1), requirement, isMet, executionContext);
      if (!isMet) return refuse(executionContext, requirement.status);
    }
    return true;
  }

  private requirementsOf(executionContext: ExecutionContext): readonly Requirement[] {
    const handler = executionContext.getHandler();
    const host = executionContext.getClass();
    let byHost = this.required.get(handler);
    const known = byHost?.get(host);
    if (known !== undefined) return known;
    const required = [...requirements.ofClass(host), ...requirements.ofFunction(handler)];
    byHost ??= new Map();
    this.required.set(handler, byHost.set(host, required));
    return required;
  }

  private async decide(
    rest: readonly Requirement[],
    first: Requirement,
    pending: Promise<boolean>,
    executionContext: ExecutionContext,
  ): Promise<boolean> {
    if (!(await pending)) return refuse(executionContext, first.status);
    for (const requirement of rest) {
      if (!(await this.isMet(requirement, executionContext)))
        return refuse(executionContext, requirement.status);
    }
    return true;
  }

  private isMet(requirement: Requirement, executionContext: ExecutionContext): boolean | Promise<boolean> {
    const call = callOf(executionContext, this.scope);
    const instance = instanceFor(executionContext, requirement.name, this.scope);
    const context = call.contextFor(instance, executionContext);
    if (isPromise(context)) {
      return context.then((value) =>
        requirement.isMet(new ConfigReader(instance.client, value), executionContext),
      );
    }
    return requirement.isMet(new ConfigReader(instance.client, context), executionContext);
  }
}

/**
 * A message is refused with `false`: Nest then throws the "Forbidden resource" of its transport, a WsException or
 * RpcException.
 */
function refuse(executionContext: ExecutionContext, status: number): false {
  const type: string = executionContext.getType();
  if (type === 'rpc' || type === 'ws') return false;
  if (type === 'graphql') throw graphqlRefusal(status);
  if (status !== 404) throw new HttpException('This is not available.', status);
  if (type !== 'http') throw new NotFoundException();
  const request = executionContext
    .switchToHttp()
    .getRequest<{ method?: string; originalUrl?: string; url?: string }>();
  // The same message as Nest's own 404, so that a hidden route looks like one that does not exist.
  throw new NotFoundException(`Cannot ${request.method} ${request.originalUrl ?? request.url}`);
}

/** GraphQL reads the code from `extensions`. The response is a text, because Apollo's driver would replace the code. */
function graphqlRefusal(status: number): HttpException {
  const code = status === 401 ? 'UNAUTHENTICATED' : (HttpStatus[status] ?? 'FORBIDDEN');
  const message = status === 404 ? 'Not Found' : 'This is not available.';
  return Object.assign(new HttpException(message, status), { extensions: { code } });
}
