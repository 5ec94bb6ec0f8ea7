import type { EvaluationContext } from '@openfeature/core';
import type { Hook } from '@openfeature/server-sdk';

/** The context of a request, as our adapters have it: its `userId` is the `targetingKey` of the SDK. */
export type RequestContext = Readonly<Record<string, unknown>>;

/**
 * Creates a hook that completes the context of each evaluation with that of the current request, such as the one that
 * the adapters for NestJS and Next have. What the SDK's own contexts say wins. Add it before hooks that report contexts.
 *
 * @param read - Returns the context of the request that the code runs in. If it throws, the evaluation returns the
 * default of the code, with the error.
 * @example
 * const config = app.get(SmooConfigService);
 * OpenFeature.addHooks(requestContextHook(() => config.context()));
 */
export function requestContextHook(
  read: () => RequestContext | undefined | Promise<RequestContext | undefined>,
): Hook {
  return {
    before: async ({ context }) => {
      const { userId, ...attributes } = (await read()) ?? {};
      return { ...(attributes as EvaluationContext), ...identityOf(userId, context), ...context };
    },
  };
}

/** The user of the request, unless the SDK's contexts name one. */
function identityOf(userId: unknown, context: EvaluationContext): EvaluationContext {
  if (userId === undefined || userId === null) return {};
  if (context.targetingKey !== undefined || context.userId !== undefined) return {};
  return typeof userId === 'string' ? { targetingKey: userId } : { userId: userId as number };
}
