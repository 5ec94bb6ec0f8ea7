import { formatPrice, products } from '@smooai-demo/demo-schema/products';
import type { CSSProperties, ReactElement } from 'react';
import { AddButton } from './add-button.tsx';
import { VisitorConfig } from './visitor-config.tsx';

/** The products, which are static. Only the buttons run in the browser. */
export function ProductGrid(): ReactElement {
  return (
    <ul className="grid shelf">
      {products.map((product) => (
        <li className="panel product" key={product.id}>
          <div className="product-art" style={{ '--hue': product.hue } as CSSProperties}>
            <svg viewBox="0 0 64 64" aria-hidden="true">
              <path d={product.art} />
            </svg>
          </div>
          <div className="product-text">
            <h2 className="product-name">{product.name}</h2>
            <p className="muted small">{product.note}</p>
          </div>
          <div className="product-buy row spread">
            <span className="price">{formatPrice(product.price)}</span>
            <VisitorConfig fallback={<PendingButton />}>
              <AddButton id={product.id} name={product.name} />
            </VisitorConfig>
          </div>
        </li>
      ))}
    </ul>
  );
}

function PendingButton(): ReactElement {
  return (
    <button type="button" className="button" disabled>
      Add
    </button>
  );
}
