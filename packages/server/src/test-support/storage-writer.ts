import { openSqliteStorage } from '../storage/sqlite/sqlite-storage.ts';
import { insertShop, valueRow } from './storage-fixtures.ts';

/**
 * A separate process that writes as fast as it can, single values and transactions of two, and prints each number once its
 * write is done. The durability test kills it. Arguments: the file and the encryption key in base64.
 */
const [file = '', key = ''] = process.argv.slice(2);
const storage = await openSqliteStorage({ file, encryptionKey: Buffer.from(key, 'base64') });
const shop = await insertShop(storage);
process.stdout.write(`environment ${shop.environment.id}\n`);

for (let number = 0; ; number += 1) {
  const value = valueRow(shop, { key: `k${number}`, value: number, tier: 'secret' });
  if (number % 3 === 0) {
    await storage.transaction(async (operations) => {
      await operations.upsertValue(value);
      await operations.upsertValue({ ...value, id: `${value.id}-twin`, key: `twin${number}` });
    });
  } else {
    await storage.upsertValue(value);
  }
  process.stdout.write(`done ${number}\n`);
  // Yields to the event loop, so that the kill can happen anywhere.
  await new Promise((resolve) => setImmediate(resolve));
}
