import type { ReactElement } from 'react';
import { publicValue } from '../../../../shared/config';

export const dynamic = 'force-static';
export const revalidate = 3600;

/** Rendered during the build, and again after an hour, or when its value has changed. */
export default async function Page(): Promise<ReactElement> {
  return <p>{`isr: ${await publicValue('supportEmail')}`}</p>;
}
