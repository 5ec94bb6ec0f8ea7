import { testRandomStreams } from '../test-support/stream-fuzz-suite.ts';

testRandomStreams(25, 3_600_000);
