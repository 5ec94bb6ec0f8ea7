// Mutants that no test notices, with the reason why each is left. `mutants` are written as the table prints them.
import { redact } from './redact.mjs';

export const explained = [...redact];
