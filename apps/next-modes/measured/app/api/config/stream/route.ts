import { handlers } from '../../../../config';

export const { GET } = handlers;
