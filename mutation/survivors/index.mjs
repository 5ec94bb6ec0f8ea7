// Mutants that no test notices, with the reason why each is left. `mutants` are written as the table prints them.
import { auth } from './auth.mjs';
import { changes } from './changes.mjs';
import { diskCache } from './disk-cache.mjs';
import { domain } from './domain.mjs';
import { evaluation } from './evaluation.mjs';
import { eventStream } from './event-stream.mjs';
import { leaks } from './leaks.mjs';
import { redact } from './redact.mjs';
import { ruleset } from './ruleset.mjs';
import { streams } from './streams.mjs';
import { token } from './token.mjs';
import { validation } from './validation.mjs';

export const explained = [
  ...[redact, token, evaluation, diskCache, ruleset],
  ...[auth, changes, domain, eventStream, leaks, streams, validation],
].flat();
