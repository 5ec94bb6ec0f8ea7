import 'server-only';
import { cookies } from 'next/headers';

/** The visitor, by their cookie. Pages with constants read it too, and nothing of the packages. */
export const visitor = async (): Promise<{ userId: string | undefined }> => ({
  userId: (await cookies()).get('userId')?.value,
});
