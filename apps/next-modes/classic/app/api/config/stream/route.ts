import { handlers } from '../../../../../shared/config';

export const { GET } = handlers;
