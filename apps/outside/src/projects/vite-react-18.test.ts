import { viteReact } from './vite-react.ts';

viteReact('vite-react-18', ['react@18.3', 'react-dom@18.3', '@types/react@18.3', '@types/react-dom@18.3']);
