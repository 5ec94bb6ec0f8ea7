import { OptionsError } from '@smooai/config';

/** The longest delay that timers support. A longer one fires immediately. */
const LONGEST_TIMEOUT_MS = 2_147_483_647;

/** @throws {OptionsError} for options that the types do not allow, before they fail in the middle of the start. */
export function checkRegistration(method: string, options: unknown): void {
  if (typeof options !== 'object' || options === null) {
    throw new OptionsError('options', `SmooConfigModule.${method}: pass an object with the options.`);
  }
  const { name } = options as { name?: unknown };
  if (name !== undefined && (typeof name !== 'string' || name === '')) {
    throw new OptionsError('name', `SmooConfigModule.${method}: "name" must be a non-empty string.`);
  }
}

/** @throws {OptionsError} for options, given or created by a factory, that are not an object with a client or a schema. */
export function checkOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null) {
    throw new OptionsError(
      'useFactory',
      `SmooConfigModule.forRootAsync: the options must be an object with "config" or "client", but are ${typeof options}.`,
    );
  }
  if ('client' in options && !isClient(options.client)) {
    throw new OptionsError(
      'client',
      'SmooConfigModule: "client" must be what createConfigClient or createTestClient returned. ' +
        'Await it first if it is a promise.',
    );
  }
  if ('context' in options && options.context !== undefined && typeof options.context !== 'function') {
    throw new OptionsError(
      'context',
      `SmooConfigModule: "context" must be a function that returns the context of a call, but is ${typeof options.context}.`,
    );
  }
  if ('contextTimeoutMs' in options) checkTimeout(options.contextTimeoutMs);
}

function checkTimeout(timeoutMs: unknown): void {
  if (timeoutMs === undefined) return;
  if (typeof timeoutMs === 'number' && timeoutMs >= 1 && timeoutMs <= LONGEST_TIMEOUT_MS) return;
  throw new OptionsError(
    'contextTimeoutMs',
    `SmooConfigModule: "contextTimeoutMs" must be a number of milliseconds from 1 to ${LONGEST_TIMEOUT_MS}.`,
  );
}

function isClient(client: unknown): boolean {
  return (
    typeof client === 'object' && client !== null && 'ready' in client && typeof client.ready === 'function'
  );
}
