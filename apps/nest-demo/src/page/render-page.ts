import type { Snapshot } from '@smooai/config';
import { countries } from '@smooai-demo/demo-schema/countries';
import { formatValue } from '@smooai-demo/demo-schema/display';
import { formatPrice, products } from '@smooai-demo/demo-schema/products';
import type { Visitor } from '../visitor.ts';
import { badgeClass, sourceText } from './display.ts';
import { type Html, html, jsonData } from './html.ts';

/** The data of the page. */
export interface PageData {
  snapshot: Snapshot;
  visitor: Visitor;
}

interface Row {
  /** Identifies the value for tests: `flag-newCheckout`. */
  id: string;
  /** `flags.newCheckout`. */
  key: string;
  title: string;
}

const ROWS: readonly Row[] = [
  { id: 'flag-newCheckout', key: 'flags.newCheckout', title: 'One-step checkout' },
  { id: 'flag-freeShipping', key: 'flags.freeShipping', title: 'Free shipping' },
  { id: 'flag-theme', key: 'flags.theme', title: 'Theme' },
  { id: 'limit-cartItems', key: 'limits.cartItems', title: 'Items in a cart' },
  { id: 'public-supportEmail', key: 'public.supportEmail', title: 'Support address' },
];

/** Renders the page. Its HTML has the first values, and the script applies changes. */
export function renderPage(data: PageData): string {
  const { snapshot, visitor } = data;
  const theme = snapshot.flags.theme?.value === 'dark' ? 'dark' : 'light';
  return html`<!doctype html>
<html lang="en" data-theme="${theme}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tarn — shop API</title>
<meta name="description" content="The current values of the shop's API.">
<link rel="icon" type="image/svg+xml" href="/icon.svg">
<link rel="stylesheet" href="/shop.css">
<script type="application/json" id="snapshot">${jsonData(snapshot)}</script>
<script type="module" src="/live-page.js"></script>
</head>
<body>
<header class="masthead">
<div class="row spread">
<a class="brand" href="/">Tarn <small>Shop API</small></a>
<span class="badge" data-testid="live-status" data-value="connecting" role="status">Connecting</span>
</div>
</header>
<main class="page stack">
<section class="hero api-hero">
<p class="eyebrow">NestJS</p>
<h1>The API's current values</h1>
<p>Every route reads these values from memory. Change one on the config server: the next request uses it, and so does this page.</p>
</section>
<div class="columns">
<div class="stack">
${valuesPanel(snapshot, visitor)}
${routesPanel(visitor)}
</div>
<aside class="stack">
${changesPanel(snapshot)}
</aside>
</div>
${shelf()}
</main>
<footer class="page footer">These values are changed with the CLI. Secrets stay on the server.</footer>
</body>
</html>
`.text;
}

function valuesPanel(snapshot: Snapshot, visitor: Visitor): Html {
  return html`<section class="panel" aria-labelledby="values-title">
<div class="panel-head"><h2 id="values-title">Values</h2><span class="muted small">revision <span class="number" id="revision">${snapshot.revision}</span></span></div>
<form class="visitor" method="get" action="/">
<label>Ship to <select name="country">${countries.map(({ code, name }) =>
    code === visitor.country
      ? html`<option value="${code}" selected>${name}</option>`
      : html`<option value="${code}">${name}</option>`,
  )}</select></label>
<label>Visitor <input name="userId" value="${visitor.userId ?? ''}" placeholder="anyone" maxlength="64" autocomplete="off"></label>
<button class="button" type="submit">Show</button>
</form>
<table class="table values">
<thead><tr><th scope="col">Key</th><th scope="col">Value</th><th scope="col">Reason</th></tr></thead>
<tbody>${ROWS.map((row) => valueRow(row, snapshot))}</tbody>
</table>
</section>`;
}

function valueRow(row: Row, snapshot: Snapshot): Html {
  const { value, reason } = entryOf(row.key, snapshot);
  return html`<tr>
<th scope="row">${row.title}<code>${row.key}</code></th>
<td><span class="${badgeClass(value)} value" data-testid="${row.id}" data-key="${row.key}" data-value="${String(value)}">${formatValue(value)}</span></td>
<td class="source" data-source="${row.key}">${reason}</td>
</tr>`;
}

function entryOf(key: string, snapshot: Snapshot): { value: unknown; reason: string } {
  const [group = '', name = ''] = key.split('.');
  if (group === 'public') return { value: snapshot.public[name], reason: sourceText('raw', undefined) };
  const answer = group === 'flags' ? snapshot.flags[name] : snapshot.limits[name];
  return { value: answer?.value, reason: sourceText(answer?.source, answer?.matchedRuleId) };
}

function routesPanel(visitor: Visitor): Html {
  const query = new URLSearchParams({ country: visitor.country });
  if (visitor.userId !== undefined) query.set('userId', visitor.userId);
  return html`<section class="panel" aria-labelledby="routes-title">
<div class="panel-head"><h2 id="routes-title">Routes</h2></div>
<ul class="lines routes">
<li><span class="method">GET</span><a href="/products">/products</a><p>The products and the public values.</p></li>
<li><span class="method">GET</span><a href="/cart/limits?${query.toString()}">/cart/limits</a><p>How many items this visitor can order, and whether shipping is free.</p></li>
<li><span class="method">POST</span><code>/checkout</code><p>Returns 404 while one-step checkout is off. The receipt is signed with a key that never leaves the server.</p></li>
<li><span class="method">GET</span><a href="/offers?${query.toString()}">/offers</a><p>This visitor's shipping beside that of the home market.</p></li>
<li><span class="method">GET</span><a href="/offers/bulk?${query.toString()}">/offers/bulk</a><p>Returns 403 unless this visitor can order more than 20 items.</p></li>
<li><span class="method">GET</span><a href="/openapi.json">/openapi.json</a><p>The API's description, with these refusals.</p></li>
<li><span class="method">GET</span><a href="/healthz">/healthz</a><p>The state and age of the configuration.</p></li>
</ul>
<div class="try">
<div><button class="button button-primary" type="button" id="try-checkout" data-url="/checkout?${query.toString()}" disabled>Order one lamp</button></div>
<pre id="try-answer" role="status"></pre>
</div>
</section>`;
}

function changesPanel(snapshot: Snapshot): Html {
  return html`<section class="panel" aria-labelledby="changes-title" data-testid="change-log" id="change-log">
<div class="panel-head"><h2 id="changes-title">Changes</h2><span class="muted small">since revision ${snapshot.revision}</span></div>
<p class="empty" id="no-changes">Nothing has changed since you opened this page.</p>
<ol class="lines changes" id="changes" aria-live="polite" hidden></ol>
</section>`;
}

function shelf(): Html {
  return html`<section class="stack" aria-labelledby="shelf-title">
<h2 id="shelf-title">Products</h2>
<ul class="grid shelf">${products.map(
    (product) => html`<li class="panel product">
<div class="product-art hue-${product.id}"><svg viewBox="0 0 64 64" aria-hidden="true"><path d="${product.art}"/></svg></div>
<div class="product-text"><h3>${product.name}</h3><p>${product.note}</p><p class="price">${formatPrice(product.price)}</p></div>
</li>`,
  )}</ul>
</section>`;
}
