/** Lets a request to the app's own route expire cache entries. */
export interface RevalidateOptions {
  /** The secret of such requests, at least 16 characters. Default: `SMOOAI_CONFIG_REVALIDATE_SECRET`. */
  secret?: string;
  /**
   * Where this process sends its own requests, as `http://127.0.0.1:3000/api/config/stream`, if it finds no other way to
   * expire entries. Default: `SMOOAI_CONFIG_REVALIDATE_URL`.
   */
  url?: string;
}

/** What one request may contain. A larger change expires all entries instead. */
export const REVALIDATE_LIMITS = { bodyBytes: 65_536, keys: 1_000, keyLength: 200 } as const;

const MIN_SECRET_LENGTH = 16;

/** Returns the secret; undefined if it is not set, or too short to be safe. Read for each request: builds have no secrets. */
export function revalidateSecret({ secret }: RevalidateOptions = {}): string | undefined {
  const found = secret ?? process.env.SMOOAI_CONFIG_REVALIDATE_SECRET;
  return found !== undefined && found.length >= MIN_SECRET_LENGTH ? found : undefined;
}

/** Returns the URL of this app's own route; undefined if it is not set. */
export function revalidateUrl({ url }: RevalidateOptions = {}): string | undefined {
  return (url ?? process.env.SMOOAI_CONFIG_REVALIDATE_URL) || undefined;
}
