/** Marks a file as an export. */
export const EXPORT_FORMAT = 'smooai-config-export';
/** The newest version of the format that this program reads, and the one that it writes. */
export const EXPORT_VERSION = 1;
export const MAC_PURPOSE = 'export';

/** What the header and the end of an export say. */
export interface ExportSummary {
  databaseVersion: number;
  /** ISO 8601 date-time in UTC. */
  exportedAt: string;
  /** Identifies the encryption key of the database. */
  keyId: string;
  rows: number;
}
