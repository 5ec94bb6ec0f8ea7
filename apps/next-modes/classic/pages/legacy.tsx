import { getSharedConfigClient } from '@smooai/config/server';
import { ConfigProvider } from '@smooai/config-next/client';
import type { GetServerSideProps, InferGetServerSidePropsType } from 'next';
import type { ReactElement } from 'react';
import { Checkout } from '../../shared/checkout';
import { config } from '../../shared/schema';

/** Rendered for each request. What a page imports for this function alone does not reach the browser. */
export const getServerSideProps = (async ({ req }) => {
  const client = await getSharedConfigClient({ config, start: 'background' }).ready();
  return { props: { snapshot: client.snapshot({ userId: req.cookies.userId }) } };
}) satisfies GetServerSideProps;

/** A page of the Pages Router. */
export default function Page({
  snapshot,
}: InferGetServerSidePropsType<typeof getServerSideProps>): ReactElement {
  return (
    <ConfigProvider snapshot={snapshot} stream="/api/config/stream">
      <Checkout />
    </ConfigProvider>
  );
}
