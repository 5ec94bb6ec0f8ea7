import { parseUrl } from '../../lib/parse-url.ts';
import { StorageError } from '../storage-error.ts';

/** A checked URL of a PostgreSQL database. */
export interface DatabaseUrl {
  url: string;
  /** Host, port and name of the database, without user and password, for messages. */
  label: string;
  /** Whether the connection to another machine is not encrypted, or its certificate is not checked. */
  isExposed: boolean;
}

const UNCHECKED_MODES = new Set([null, 'disable', 'no-verify', 'allow', 'prefer']);

/**
 * Checks the URL of a database.
 * @throws {StorageError} `ERR_STORAGE_MISUSE` without the URL in its message, which contains a password
 */
export function parseDatabaseUrl(text: string): DatabaseUrl {
  const url = parseUrl(text);
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new StorageError(
      'ERR_STORAGE_MISUSE',
      'The URL of the database is not valid. It has the form postgres://user:password@host:5432/database; special ' +
        'characters of the password are percent-encoded.',
    );
  }
  const name = url.pathname.slice(1);
  if (name === '' || name.includes('/')) {
    throw new StorageError(
      'ERR_STORAGE_MISUSE',
      'The URL of the database must end with the name of the database.',
    );
  }
  const socket = url.searchParams.get('host');
  const host = socket ?? url.hostname;
  const isLocal =
    host === '' || host.startsWith('/') || /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(host);
  return {
    url: text,
    label: `postgres://${socket === null ? url.host : 'localhost'}/${name}`,
    isExposed: !isLocal && UNCHECKED_MODES.has(url.searchParams.get('sslmode')),
  };
}
