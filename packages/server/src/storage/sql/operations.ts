import type { StorageOperations } from '../storage.ts';
import { changeOperations } from './change-operations.ts';
import { authClientOperations, tokenOperations } from './credential-operations.ts';
import { environmentOperations } from './environment-operations.ts';
import { replicaOperations } from './replica-operations.ts';
import { schemaOperations } from './schema-operations.ts';
import { segmentOperations } from './segment-operations.ts';
import type { Session } from './tables.ts';
import { valueOperations } from './value-operations.ts';

/** Every operation on a database or a transaction; the statements are the same in SQLite and in PostgreSQL. */
export function createOperations(session: Session): StorageOperations {
  return {
    ...environmentOperations(session),
    ...schemaOperations(session),
    ...valueOperations(session),
    ...segmentOperations(session),
    ...changeOperations(session),
    ...replicaOperations(session),
    ...authClientOperations(session),
    ...tokenOperations(session),
  };
}
