import { countries } from '@smooai-demo/demo-schema/countries';
import type { ReactElement } from 'react';
import { visitor } from '../visitor.ts';
import { CountrySelector } from './country-selector.tsx';
import { ShippingBanner } from './shipping-banner.tsx';

/** Selects the visitor's country. */
export async function Country(): Promise<ReactElement> {
  return <CountrySelector country={(await visitor()).country} />;
}

/** The shipping cost to the visitor's country. */
export async function Shipping(): Promise<ReactElement> {
  const { country } = await visitor();
  return <ShippingBanner countryName={countries.find(({ code }) => code === country)?.name ?? country} />;
}
