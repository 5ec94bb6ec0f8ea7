import { type ReactElement, Suspense } from 'react';
import { FLAG_KEYS } from './keys.mjs';

interface ValueListProps {
  count: string;
  /** Reads values for the visitor. */
  read: (keys: readonly string[]) => Promise<readonly boolean[]>;
}

/** A page with a list of values, wherever they come from. */
export function ValueList(props: ValueListProps): ReactElement {
  return (
    <Suspense fallback={<p>hole</p>}>
      <Values {...props} />
    </Suspense>
  );
}

async function Values({ count, read }: ValueListProps): Promise<ReactElement> {
  const keys = FLAG_KEYS.slice(0, Number(count));
  const values = await read(keys);
  return <p>{keys.map((key, index) => `${key}: ${values[index]}`).join(', ')}</p>;
}
