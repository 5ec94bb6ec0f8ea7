import type { ReactElement } from 'react';
import { about } from '../../../variants';

export const generateStaticParams = (): { variant: string }[] => about.generateVariants();

/** Depends on no flag. */
export default async function Page({
  params,
}: {
  params: Promise<{ variant: string }>;
}): Promise<ReactElement> {
  return <p>about, code: {(await params).variant}.</p>;
}
