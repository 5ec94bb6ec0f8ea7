import { createParser } from 'eventsource-parser';

/** One server-sent event, its data parsed. */
export interface ReadEvent {
  event: string | undefined;
  id: string | undefined;
  data: unknown;
}

/** Reads the events of a response one by one. `next` resolves with undefined at the end. */
export function readEvents(response: Response): {
  next: () => Promise<ReadEvent | undefined>;
  cancel: () => Promise<void>;
} {
  if (response.body === null) throw new Error('The response has no body.');
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  const queue: ReadEvent[] = [];
  const parser = createParser({
    onEvent: ({ event, id, data }) => {
      if (event !== 'ping') queue.push({ event, id, data: JSON.parse(data) });
    },
  });
  return {
    async next() {
      while (queue.length === 0) {
        const { done, value } = await reader.read();
        if (done) return undefined;
        parser.feed(decoder.decode(value, { stream: true }));
      }
      return queue.shift();
    },
    cancel: () => reader.cancel(),
  };
}
