import type { BooleanKeyOf, NumberKeyOf, ObjectKeyOf, StringKeyOf } from '../../typed-keys.ts';
import type { config } from './config.ts';

declare module '@openfeature/core' {
  export type BooleanFlagKey = BooleanKeyOf<typeof config>;
  export type StringFlagKey = StringKeyOf<typeof config>;
  export type NumberFlagKey = NumberKeyOf<typeof config>;
  export type ObjectFlagKey = ObjectKeyOf<typeof config>;
}
