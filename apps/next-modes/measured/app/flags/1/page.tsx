import type { ReactElement } from 'react';
import { flags } from '../../../config';
import { ValueList } from '../../../value-list';

/** Evaluates flags for the visitor. */
export default function Page(): ReactElement {
  return <ValueList count="1" read={(keys) => flags(keys as readonly never[])} />;
}
