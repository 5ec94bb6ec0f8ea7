import { handlers } from '../../../../../shared/config';

export const { GET, POST } = handlers;
