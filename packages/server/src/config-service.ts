import type { FastifyBaseLogger } from 'fastify';
import type { ChangeBus } from './change-bus.ts';
import type { Storage } from './storage/storage.ts';

/** What {@link ConfigService} works with. */
export interface ConfigServiceOptions {
  storage: Storage;
  changes: ChangeBus;
  log: FastifyBaseLogger;
}

/** All rules of values, schemas, environments, segments, evaluation and snapshots; routes only translate HTTP. */
export class ConfigService {
  readonly storage: Storage;
  readonly changes: ChangeBus;
  readonly log: FastifyBaseLogger;

  constructor(options: ConfigServiceOptions) {
    this.storage = options.storage;
    this.changes = options.changes;
    this.log = options.log;
  }
}
