const folder = 'packages/server/src/http';

export const eventStream = [
  {
    file: `${folder}/event-stream.ts`,
    reason: 'Equivalent: the listener is removed when it is called, and its cleanup runs once.',
    mutants: ['{ once: true } → {}', 'true → false', '!this.#isOpen → false'],
  },
  {
    file: `${folder}/event-stream.ts`,
    reason: 'Equivalent: something waits in the queue only while the socket takes no more.',
    mutants: ['this.#queue.length === 0 → true'],
  },
];
