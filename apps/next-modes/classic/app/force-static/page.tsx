import type { ReactElement } from 'react';
import { publicValue } from '../../../shared/config';

export const dynamic = 'force-static';

/** Rendered during the build, with the values of that moment. */
export default async function Page(): Promise<ReactElement> {
  return <p>{`static: ${await publicValue('supportEmail')}`}</p>;
}
