import { randomBytes } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import type { Principal } from '../principal.ts';
import { openSqliteStorage } from '../storage/sqlite/sqlite-storage.ts';
import type { Storage } from '../storage/storage.ts';
import { insertShop } from '../test-support/storage-fixtures.ts';
import { ChangeBus } from './change-bus.ts';
import { ConfigService } from './config-service.ts';

it('serves no environment that was renamed while its name was looked up', async () => {
  const storage = await openSqliteStorage({ file: ':memory:', encryptionKey: randomBytes(32) });
  onTestFinished(() => storage.close());
  const { environment } = await insertShop(storage);
  const principal: Principal = {
    clientId: 'c',
    type: 'm2m',
    organizationId: environment.organizationId,
    environments: [environment.name],
    scopes: new Set(['config:read']),
    token: undefined,
    origin: undefined,
  };
  const renaming: Storage = {
    ...storage,
    findEnvironmentByName: async (...names) => {
      const found = await storage.findEnvironmentByName(...names);
      const admin = { ...principal, environments: undefined };
      await service.environments.update(admin, environment.id, { name: 'for-others' });
      return found;
    },
  };
  const log = { error: () => undefined };
  const service = new ConfigService({ storage: renaming, changes: new ChangeBus(), log });
  onTestFinished(() => service.close());
  await expect(service.view(principal, environment.name)).rejects.toThrow('does not exist');
});
