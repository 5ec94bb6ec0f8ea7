import { testRandomStreams } from '../test-support/stream-fuzz-suite.ts';

testRandomStreams(4, 600_000);
