import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const cwd = fileURLToPath(new URL('../../../../packages/nestjs', import.meta.url));

it('a CommonJS application can require the Nest package, even though Nest 12 is ESM only', async () => {
  const { stdout, stderr } = await run(process.execPath, ['src/test-support/common-js-app.cjs'], {
    cwd,
    timeout: 120_000,
  });
  expect(JSON.parse(stdout)).toEqual({
    responses: [
      { status: 404, body: { message: 'Cannot GET /cart', error: 'Not Found', statusCode: 404 } },
      { status: 200, body: { cartItems: 3 } },
    ],
    sameToken: true,
  });
  expect(stderr).not.toContain('Error');
});
