import type { ReactElement } from 'react';
import { ValueList } from '../../../value-list';
import { visitor } from '../../../visitor';

/** Reads the visitor's cookie, and has constants. */
export default function Page(): ReactElement {
  return <ValueList count="1" read={constants} />;
}

async function constants(keys: readonly string[]): Promise<readonly boolean[]> {
  const { userId } = await visitor();
  return keys.map(() => userId === 'measured');
}
