import type { ReactElement } from 'react';
import { publicValue } from '../../../shared/config';

export const dynamic = 'force-static';
export const revalidate = 1;

/** Rendered during the build, and again while the app runs. */
export default async function Page(): Promise<ReactElement> {
  return <p>{`isr: ${await publicValue('supportEmail')}`}</p>;
}
