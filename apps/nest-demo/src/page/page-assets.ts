import { products } from '@smooai-demo/demo-schema/products';

/** The shop's logo. */
export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b5d52"/><path d="M4 18 12 7l4.8 6.4L20 10l8 8ZM7 20.5h18l-2.6 2.3H9.6ZM11 25h10l-2.6 2.3h-4.8Z" fill="#fff"/></svg>`;

/** The page's own styles. Each product's hue has a class, because the page's security policy forbids inline styles. */
export const PAGE_CSS = `
.api-hero { max-width: 46rem; }
.visitor { display: flex; flex-wrap: wrap; align-items: end; gap: 0.75rem; }
.visitor > label { flex: 1 1 11rem; }
.visitor + .values { margin-top: 1rem; }
/* Only the live badge has a dot. */
.values .value::before { content: none; }
.columns > aside { position: sticky; top: 5.5rem; }
.values td:nth-child(2) { white-space: nowrap; }
.values .source { color: var(--muted); font-size: 0.875rem; }
.values code { display: block; color: var(--muted); font-weight: 400; }
.values .value { overflow-wrap: anywhere; white-space: normal; }
.routes > li { display: grid; grid-template-columns: 4rem minmax(0, 1fr); gap: 0.15rem 0.75rem; }
.routes .method { color: var(--rust); font: 650 0.8rem/1.9 var(--mono); }
.routes p { grid-column: 2; color: var(--muted); font-size: 0.9rem; }
.routes a, .routes code { overflow-wrap: anywhere; }
.try { display: grid; gap: 0.75rem; margin-top: 1rem; }
.try pre { white-space: pre-wrap; overflow-wrap: anywhere; }
.try pre:empty { display: none; }
.changes > li { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0 0.75rem; }
.changes time { color: var(--muted); font-variant-numeric: tabular-nums; font-size: 0.875rem; line-height: 1.75; }
.changes p { grid-column: 2; overflow-wrap: anywhere; }
.changes[hidden], .empty[hidden] { display: none; }
.shelf { grid-template-columns: repeat(auto-fill, minmax(min(100%, 10rem), 1fr)); }
.shelf .product-text { padding: 0.8rem 0.9rem 0.9rem; }
.shelf .product-text p:not(.price) { color: var(--muted); font-size: 0.875rem; }
@media (max-width: 60rem) {
  .columns > aside { position: static; }
}
@media (max-width: 34rem) {
  .values thead { display: none; }
  .values tr { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0.1rem 0.75rem; padding-block: 0.7rem; border-bottom: 1px solid var(--line); }
  .values tr:last-child { border-bottom: 0; }
  .values :is(th, td) { padding: 0; border: 0; }
  .values .source { grid-column: 1 / -1; }
}
${products.map(({ id, hue }) => `.hue-${id} { --hue: ${hue}; }`).join('\n')}
`;
