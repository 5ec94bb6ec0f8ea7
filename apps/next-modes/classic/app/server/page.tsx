import type { ReactElement } from 'react';
import { flag } from '../../../shared/config';

/** Rendered for each request, with server components only. */
export default async function Page(): Promise<ReactElement> {
  return <p>{`server: ${(await flag('betaShop')) ? 'beta' : 'stable'}`}</p>;
}
