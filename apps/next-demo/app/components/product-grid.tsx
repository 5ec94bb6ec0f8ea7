import { formatPrice, products } from '@smooai-demo/demo-schema/products';
import type { CSSProperties, ReactElement } from 'react';
import { AddButton } from './add-button.tsx';

/** The products. Rendered on the server; only the buttons run in the browser. */
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
            <AddButton id={product.id} name={product.name} />
          </div>
        </li>
      ))}
    </ul>
  );
}
