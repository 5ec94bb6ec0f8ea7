import { variantProxy } from '@smooai/config-next/variants';
import { about, home, pricing } from './app/variants';

export const proxy = variantProxy({ '/': home, '/pricing': pricing, '/about': about });

export const config = { matcher: ['/', '/pricing', '/about', '/variants/:path*'] };
