import '@smooai-demo/demo-schema/shop.css';
import '@smooai-demo/demo-schema/controls.css';
import './back-office.css';
// Only the types of the schema: its code would bring the names of secrets into this bundle.
import type {} from '@smooai-demo/demo-schema';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no element with the id "root".');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
