/** Marks a file as an export. */
export const EXPORT_FORMAT = 'smooai-config-export';
/** The newest version of the format that this program reads, and the one that it writes. */
export const EXPORT_VERSION = 1;
/** The longest line, in bytes of UTF-8 without its line feed. No row that a server stores comes near it. */
export const MAX_LINE_BYTES: number = 64 * 1024 * 1024;
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
