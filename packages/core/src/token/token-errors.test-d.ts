import { expectTypeOf, it } from 'vitest';
import type { TokenError, TokenMalformedReason, TransportReason } from '../index.ts';

it('a switch on the code narrows a TokenError and can be exhaustive', () => {
  const read = (error: TokenError): unknown => {
    switch (error.code) {
      case 'ERR_OPTIONS_INVALID':
        return expectTypeOf(error.option).toEqualTypeOf<string>();
      case 'ERR_TOKEN_TRANSPORT':
        return expectTypeOf(error.reason).toEqualTypeOf<TransportReason>();
      case 'ERR_TOKEN_REJECTED':
        expectTypeOf(error.status).toEqualTypeOf<number>();
        return expectTypeOf(error.errorUri).toEqualTypeOf<string | undefined>();
      case 'ERR_TOKEN_MALFORMED':
        return expectTypeOf(error.reason).toEqualTypeOf<TokenMalformedReason>();
      case 'ERR_TOKEN_THROTTLED':
        return expectTypeOf(error.retryAfterMs).toEqualTypeOf<number>();
      default:
        return expectTypeOf(error).toBeNever();
    }
  };
  expectTypeOf(read).parameter(0).toEqualTypeOf<TokenError>();
});
