/** A product of the shop. */
export interface Product {
  id: string;
  name: string;
  /** A line below the name. */
  note: string;
  /** In euro cents. */
  price: number;
  /** SVG path of a line drawing, 64 × 64. */
  art: string;
  /** Hue of the tile behind the drawing, 0 to 360. */
  hue: number;
}

/** The products of the shop. */
export const products: readonly Product[] = [
  {
    id: 'shell',
    name: 'Skerry Shell',
    note: 'Three-layer jacket, 340 g',
    price: 24900,
    hue: 188,
    art: 'M24 12 14 18 8 42l8 3 3-10v19h26V35l3 10 8-3-6-24-10-6M24 12c2 6 14 6 16 0M24 12c3-3 13-3 16 0M32 17v37M37 40h5',
  },
  {
    id: 'pack',
    name: 'Drover 28',
    note: 'Roll-top pack, 28 litres',
    price: 15500,
    hue: 34,
    art: 'M20 22c0-6 5-10 12-10s12 4 12 10v30c0 3-2 5-5 5H25c-3 0-5-2-5-5ZM20 22h24M27 12V8h10v4M25 38h14v12H25ZM20 32h-4c-2 0-3 1-3 3v14c0 2 1 3 3 3h4M44 32h4c2 0 3 1 3 3v14c0 2-1 3-3 3h-4',
  },
  {
    id: 'lamp',
    name: 'Ember Lamp',
    note: 'Camp light, 60 hours',
    price: 6400,
    hue: 52,
    art: 'M22 24h20l3 24H19ZM18 48h28v7H18ZM26 24v-5h12v5M25 19c0-12 14-12 14 0M32 30c4 4 4 9 0 12-4-3-4-8 0-12Z',
  },
  {
    id: 'boots',
    name: 'Fell Boots',
    note: 'Resoleable, leather',
    price: 21900,
    hue: 14,
    art: 'M18 10h15v22c0 4 6 6 14 8 5 1 7 4 7 8H18ZM16 48h38v6H16ZM26 18h7M26 24h7M27 30h7M18 40h10',
  },
  {
    id: 'flask',
    name: 'Becks Flask',
    note: 'Steel, 0.75 litre',
    price: 3400,
    hue: 208,
    art: 'M26 16h12v6c4 2 6 5 6 9v22c0 2-2 4-4 4H24c-2 0-4-2-4-4V31c0-4 2-7 6-9ZM25 8h14v8H25ZM20 36h24M20 44h24',
  },
  {
    id: 'tent',
    name: 'Lowe Tent',
    note: 'Two people, 1.4 kg',
    price: 48900,
    hue: 146,
    art: 'M32 12 6 52h52ZM32 12l-4-5M32 12l4-5M32 24 22 52M32 24l10 28M6 52H3M58 52h3',
  },
];

const euros = new Intl.NumberFormat('en-IE', { style: 'currency', currency: 'EUR' });

/** Formats a price in cents: `€249.00`. */
export function formatPrice(cents: number): string {
  return euros.format(cents / 100);
}
