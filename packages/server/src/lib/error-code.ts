/** The `code` of an error of Node, SQLite or Fastify; undefined for an error without one. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** ` (CODE)` to put after a message; empty for an error without a code. */
export function codeSuffix(error: unknown): string {
  const code = errorCode(error);
  return code === undefined ? '' : ` (${code})`;
}
