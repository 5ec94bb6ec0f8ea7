import { expect, it } from 'vitest';
import { startShop } from '../test-support/shop-server.ts';

const EMAIL_PATTERN =
  "^(?!\\.)(?!.*\\.\\.)([A-Za-z0-9_'+\\-\\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\\-]*\\.)+[A-Za-z]{2,}$";
const properties = {
  url: { type: 'string', format: 'uri' },
  // The format beside its pattern, as @smooai/config and zod write it.
  mail: { type: 'string', 'x-format': 'email', pattern: EMAIL_PATTERN },
  email: { type: 'string', format: 'email', pattern: EMAIL_PATTERN },
  ulid: { type: 'string', format: 'ulid', pattern: '^[0-9A-HJKMNP-TV-Z]{26}$' },
  day: { type: 'string', format: 'date' },
  staffEmail: { type: 'string', format: 'email', pattern: '@shop\\.example$' },
  code: { type: 'string', pattern: '^[A-Z]{3}$' },
};

it('values of a wrong format are refused with its description, or with the pattern if the schema names no format', async () => {
  const shop = await startShop();
  const jsonSchema = {
    type: 'object',
    properties: { publicConfigSchema: { type: 'object', properties } },
  };
  const { id } = await shop.call('POST', '/schemas', { name: 'formats', jsonSchema });
  const refusal = async (key: string, value: string): Promise<string | undefined> => {
    const write = { ...shop.write({ key, value }), schemaId: id, tier: 'public' };
    return (await shop.call('PUT', '/values', write)).body.message;
  };
  const cases = [
    ['url', 'nowhere', 'must be a URL, such as https://example.com.'],
    ['email', 'nobody', 'must be an e-mail address.'],
    ['mail', 'nobody', 'must be an e-mail address.'],
    ['ulid', 'x', 'must be in the format "ulid".'],
    ['day', '31-01-2026', 'must be a date, such as 2026-01-31.'],
    ['staffEmail', 'nobody', 'must be an e-mail address.'],
    // It is a valid e-mail address, so the message must mention the pattern.
    ['staffEmail', 'a@b.example', 'must be an e-mail address, and match pattern "@shop\\\\.example$".'],
    ['code', 'abc', 'must match pattern "^[A-Z]{3}$".'],
  ] as const;
  for (const [key, value, words] of cases) {
    expect(await refusal(key, value), key).toBe(`Field "value" of "${key}" ${words}`);
  }
  expect(await refusal('staffEmail', 'a@shop.example')).toBeUndefined();
});
