import { getSharedConfigClient } from '@smooai/config/server';
import type { GetServerSideProps, InferGetServerSidePropsType } from 'next';
import type { ReactElement } from 'react';
import { config } from '../../../shared/schema';

export const getServerSideProps = (async ({ req }) => {
  const client = await getSharedConfigClient({ config, start: 'background' }).ready();
  return { props: { isBeta: client.flag('betaShop', { userId: req.cookies.userId }) } };
}) satisfies GetServerSideProps;

/** A page of the Pages Router that reads on the server only. */
export default function Page({
  isBeta,
}: InferGetServerSidePropsType<typeof getServerSideProps>): ReactElement {
  return <p>{`server: ${isBeta ? 'beta' : 'stable'}`}</p>;
}
