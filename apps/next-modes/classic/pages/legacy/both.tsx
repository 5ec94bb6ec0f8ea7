import { getSharedConfigClient } from '@smooai/config/server';
import { ConfigProvider } from '@smooai/config-next/client';
import type { GetServerSideProps, InferGetServerSidePropsType } from 'next';
import type { ReactElement } from 'react';
import { Checkout } from '../../../shared/checkout';
import { config } from '../../../shared/schema';

export const getServerSideProps = (async ({ req }) => {
  const client = await getSharedConfigClient({ config, start: 'background' }).ready();
  const context = { userId: req.cookies.userId };
  return { props: { isBeta: client.flag('betaShop', context), snapshot: client.snapshot(context) } };
}) satisfies GetServerSideProps;

/** A page of the Pages Router that reads on both sides. */
export default function Page({
  isBeta,
  snapshot,
}: InferGetServerSidePropsType<typeof getServerSideProps>): ReactElement {
  return (
    <ConfigProvider snapshot={snapshot} stream="/api/config/stream">
      <p>{`server: ${isBeta ? 'beta' : 'stable'}`}</p>
      <Checkout />
    </ConfigProvider>
  );
}
