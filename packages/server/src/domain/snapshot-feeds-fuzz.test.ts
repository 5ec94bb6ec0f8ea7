import { expect, it } from 'vitest';
import { sharedDomain } from '../test-support/domain-fixture.ts';
import { fuzzFeeds } from '../test-support/feed-fuzz.ts';

const newDomain = sharedDomain();

it('after each event, a stream has the snapshot of one revision, whatever is written meanwhile', async () => {
  expect(await fuzzFeeds(newDomain, 8)).toBeGreaterThan(20);
}, 600_000);
