import type { ReactElement } from 'react';

/** Reads no configuration. */
export default function Page(): ReactElement {
  return <p>plain page</p>;
}
