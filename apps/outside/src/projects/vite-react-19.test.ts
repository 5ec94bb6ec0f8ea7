import { viteReact } from './vite-react.ts';

viteReact('vite-react-19', []);
