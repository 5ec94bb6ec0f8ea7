/** The message of the error that a read throws. */
export async function messageOf(read: () => Promise<unknown>): Promise<string> {
  try {
    await read();
    return 'was read';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
