import { type CustomTransportStrategy, Server } from '@nestjs/microservices';
import { from, isObservable, lastValueFrom, type Observable } from 'rxjs';

/** A transport without a wire: a test says which objects a message comes with. */
export class MemoryTransport extends Server implements CustomTransportStrategy {
  override on(): void {}

  override unwrap<Unwrapped>(): Unwrapped {
    throw new Error('The transport has no underlying server.');
  }

  listen(callback: () => void): void {
    callback();
  }

  close(): void {}

  /** Calls the handlers of a pattern as a server does, and returns the last value. */
  async deliver(pattern: string, data: unknown, context?: unknown): Promise<unknown> {
    return lastValueFrom(await this.stream(pattern, data, context), { defaultValue: undefined });
  }

  async stream(pattern: string, data: unknown, context?: unknown): Promise<Observable<unknown>> {
    const handler = this.getHandlerByPattern(pattern);
    const result: unknown = await handler?.(data, context);
    return isObservable(result) ? result : from([result]);
  }
}
