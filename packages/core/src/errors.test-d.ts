import { expectTypeOf, it } from 'vitest';
import {
  type ConfigErrorCode,
  type ConfigErrorOf,
  type InvalidKey,
  isConfigError,
  type TokenError,
} from './index.ts';

it('narrows by code to the class of the error, and has a class for each code', () => {
  const read = (error: unknown): void => {
    if (isConfigError(error, 'ERR_VALUES_INVALID')) {
      expectTypeOf(error.keys).toEqualTypeOf<readonly InvalidKey[]>();
    } else if (isConfigError(error, 'ERR_SETTINGS_MISSING')) {
      expectTypeOf(error.missing).toEqualTypeOf<readonly string[]>();
    } else if (isConfigError(error)) {
      if (error.code === 'ERR_TOKEN_THROTTLED') expectTypeOf(error.retryAfterMs).toBeNumber();
      if (error.code === 'ERR_EVALUATE_FAILED') expectTypeOf(error.key).toBeString();
      // @ts-expect-error not every error has a status
      String(error.status);
    }
  };
  expectTypeOf(read).parameter(0).toBeUnknown();
  expectTypeOf<ConfigErrorOf['code']>().toEqualTypeOf<ConfigErrorCode>();
  expectTypeOf<TokenError>().toExtend<ConfigErrorOf>();
});
