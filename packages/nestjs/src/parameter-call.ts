import { createParamDecorator, type ExecutionContext, type PipeTransform, type Type } from '@nestjs/common';

/**
 * The call that a decorated parameter belongs to. A parameter decorator knows the call but cannot inject anything, so it
 * passes the call to a pipe, which can.
 */
export class ParameterCall {
  // Private, so that a global pipe that walks through values finds nothing in it.
  readonly #executionContext: ExecutionContext;

  constructor(executionContext: ExecutionContext) {
    this.#executionContext = executionContext;
  }

  get executionContext(): ExecutionContext {
    return this.#executionContext;
  }
}

/** Creates a parameter decorator whose pipe gets the {@link ParameterCall} as value and the key as metadata. */
export const evaluatedParameter: (
  key: string,
  pipe: Type<PipeTransform<ParameterCall, Promise<unknown>>>,
) => ParameterDecorator = createParamDecorator(
  (_key: string, executionContext: ExecutionContext) => new ParameterCall(executionContext),
);
