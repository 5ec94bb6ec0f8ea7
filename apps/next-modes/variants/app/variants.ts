import 'server-only';
import { createVariants } from '@smooai/config-next/variants';
import { flags } from '../../shared/config';
import { config } from '../../shared/schema';

const variants = createVariants({ config, flags });

export const pricing = variants(['newCheckout', 'betaShop', 'freeShipping', 'theme']);
export const home = variants(['newCheckout']);
export const about = variants([]);
