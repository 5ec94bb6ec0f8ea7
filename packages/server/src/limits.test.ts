import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const DOCUMENT = readFileSync(new URL('../../../docs/production.md', import.meta.url), 'utf8');
const section = DOCUMENT.slice(DOCUMENT.indexOf('\n## Limits'));
const rows = new Map(
  section
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2)
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, what = '', limit = '']) => [what, limit]),
);

/** The first words of a row, its limit, and each line of the code that sets it. */
const LIMITS: readonly (readonly [what: string, limit: string, file: string, ...code: string[]])[] = [
  ['headers of a request', '10 s, 30 s', 'server-options', 'headersMs: 10_000,', 'requestMs: 30_000,'],
  ['a connection without', '120 s', 'server-options', 'idleMs: 120_000,'],
  ['a part of a path', '500 characters', 'create-app', 'maxParamLength: 500 '],
  ['a body', '1 MiB', 'server-options', 'options.bodyLimitBytes ?? 1024 * 1024,'],
  ['a body with a schema', '2 MiB', 'routes/schemas', 'BODY_BYTES = 2 * 1024 * 1024;'],
  ['a body of `values', '8 MiB, 1,000 values', 'routes/values', 'BULK_BODY_BYTES = 8 * 1024 * 1024;'],
  ['a body of `values', '8 MiB, 1,000 values', 'domain/validation/json-limits', 'MAX_BULK_VALUES = 1_000;'],
  ['a form', '16 KiB', 'routes/oauth-request', 'FORM_LIMIT_BYTES = 16 * 1024;'],
  ['delay of the event loop', '2,000 ms', 'main', '      2_000,'],
  ['delay of the event loop', '2,000 ms', 'http/load-shedding', 'MIN_SAMPLES = 3;', 'RETRY_AFTER_SEC = 5;'],
  ['wrong secrets', '10 in 60 s', 'server-options', 'maxFailures: 10, windowSec: 60,'],
  [
    'requests of a publishable',
    '30,000 in 60 s',
    'http/read-limit',
    'MAX_READS_PER_ADDRESS = 30_000;',
    'WINDOW_SEC = 60;',
  ],
  [
    'streams of a publishable',
    '50,000, 5,000',
    'http/stream-limits',
    'MAX_PER_KEY = 50_000;',
    'MAX_PER_ADDRESS = 5_000;',
  ],
  [
    'checks of one client',
    '200, 16 MiB',
    'domain/validation/check-pool',
    'perClient: { items: 200, size: 16 * MIB }',
  ],
  [
    'checks of all clients',
    '128 MiB, 60 s',
    'domain/validation/check-pool',
    'size: 128 * MIB }',
    'MAX_WAIT_MS = 60_000;',
  ],
  ['computing time', '2,000 ms', 'domain/validation/request-checks', 'BASE_MS = 2_000;'],
  ['keys of a schema', '2,000', 'domain/validation/json-limits', 'MAX_KEYS = 2_000;'],
  ['fallbacks', '5', 'domain/effective-values', 'MAX_FALLBACKS = 5;'],
  [
    'changes that wait',
    '1 MiB, 60 s',
    'http/event-stream',
    'MAX_WAITING_BYTES = 1024 * 1024;',
    'STALLED_MS = 60_000;',
  ],
  [
    'changes that are kept',
    '1,000 of an environment, 1 MiB',
    'routes/stream',
    'MAX_RESUMED_BYTES = 1024 * 1024;',
  ],
  ['changes that are kept', '1,000 of an environment', 'domain/change-writer', 'KEPT_CHANGES = 1_000;'],
  [
    'what one write',
    '16 MiB',
    'storage/sql/change-operations',
    'MAX_CHANGE_BYTES: number = 16 * 1024 * 1024;',
  ],
  ['environments in memory', '100', 'domain/environment-views', 'MAX_VIEWS = 100;'],
  ['clients in memory', '1,000', 'auth/client-directory', 'MAX_CACHED_CLIENTS = 1_000;'],
  ['verified tokens', '10,000', 'auth/token-service', 'MAX_VERIFIED_TOKENS = 10_000;'],
  ['addresses with wrong', '10,000', 'auth/attempt-limiter', 'MAX_TRACKED = 10_000;'],
  ['connections to PostgreSQL', '11', 'storage/postgres/connection-pool', 'MAX_CONNECTIONS = 10;'],
  [
    'a statement',
    '10 s, 5 s, 10 s',
    'storage/postgres/connection-pool',
    'statement_timeout=10000',
    'lock_timeout=5000',
    'idle_in_transaction_session_timeout=10000',
  ],
  ['serving from memory', '15 min', 'server-options', 'offlineMs: 900_000,'],
  ['running requests', '5 s', 'server-options', 'closeMs: 5_000,'],
];

it.each(LIMITS)('the documented limit on %s is that of the code', (what, limit, file, ...code) => {
  const row = [...rows].find(([label]) => (limit === '1 MiB' ? label === what : label.startsWith(what)));
  expect(row?.[1]).toContain(limit);
  const source = readFileSync(new URL(`./${file}.ts`, import.meta.url), 'utf8');
  for (const line of code) expect(source).toContain(line);
});
