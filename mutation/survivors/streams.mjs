const folder = 'packages/server/src/routes';

export const streams = [
  {
    file: `${folder}/snapshot.ts`,
    reason:
      'Equivalent: the feed sends only to a stream in which nothing waits, so its limit is never reached.',
    mutants: [
      `name === 'snapshot' → true`,
      `name === 'snapshot' → false`,
      `name === 'snapshot' → name !== 'snapshot'`,
      `'snapshot' → ""`,
    ],
  },
  {
    file: `${folder}/snapshot.ts`,
    reason: 'Only a fault in the evaluation itself leads there, which throws for no context.',
    mutants: [
      "{ context.log.error({ failure: describeError(error) }, 'a snapshot stream faile… → {}",
      '{ failure: describeError(error) } → {}',
    ],
  },
  {
    file: `${folder}/snapshot.ts`,
    reason: 'Equivalent: the limit is not a whole number.',
    mutants: ['text.length > (MAX_CONTEXT_BYTES * 4) / 3 + 4 → text.length >= MAX_CONTEXT_BYTES * 4 / 3 + 4'],
  },
];
