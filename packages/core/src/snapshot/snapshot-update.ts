import { isRecord } from '../lib/record.ts';
import type { Snapshot } from '../wire.ts';
import { GROUPS } from './snapshot-store.ts';

/** Whether the data of an event is well-formed. A patch may leave out groups. */
export function isUpdate(data: unknown, isPatch: boolean): data is Snapshot {
  return (
    isRecord(data) &&
    typeof data.revision === 'string' &&
    GROUPS.every((group) => {
      const entries = data[group];
      if (entries === undefined) return isPatch;
      return isRecord(entries) && (group === 'public' || Object.values(entries).every(isRecord));
    })
  );
}
