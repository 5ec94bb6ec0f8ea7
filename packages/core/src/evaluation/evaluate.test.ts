import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  compile,
  compileSegments,
  type Evaluation,
  type EvaluationContext,
  evaluate,
  type JsonValue,
  type Segments,
} from '../index.ts';
import { slowEvaluate, slowMurmur3 } from '../test-support/slow-interpreter.ts';
import { bucketOf, murmur3 } from './bucket.ts';

interface Vectors {
  segments: Segments;
  hashes: { text: string; murmur3: number }[];
  buckets: { salt: string; unit: string; bucket: number }[];
  cases: { key: string; stored: JsonValue; context: EvaluationContext; expect: Evaluation }[];
}

const vectors: Vectors = JSON.parse(
  readFileSync(new URL('../testdata/flag-vectors.json', import.meta.url), 'utf8'),
) as Vectors;

describe('the shared vectors', () => {
  it('hold as many as they should', () => {
    expect(vectors.cases).toHaveLength(1200);
    expect(vectors.hashes.length).toBeGreaterThan(0);
    expect(vectors.buckets).toHaveLength(40);
  });

  it.each(vectors.hashes)('hash $text', (vector) => {
    expect(murmur3(vector.text)).toBe(vector.murmur3);
    expect(slowMurmur3(vector.text)).toBe(vector.murmur3);
  });

  it('put every unit into its bucket', () => {
    for (const { salt, unit, bucket } of vectors.buckets)
      expect(bucketOf(salt, unit), `${salt}:${unit}`).toBe(bucket);
  });

  it('pass through evaluate', () => {
    for (const [index, vector] of vectors.cases.entries()) {
      const answer = evaluate(vector.key, vector.stored, vector.context, vectors.segments);
      expect(answer, `case ${index}`).toStrictEqual(vector.expect);
    }
  });

  it('pass through compile with shared segments, twice each', () => {
    const segments = compileSegments(vectors.segments);
    for (const [index, vector] of vectors.cases.entries()) {
      const run = compile(vector.key, vector.stored, segments);
      expect(run(vector.context), `case ${index}`).toStrictEqual(vector.expect);
      expect(run(vector.context), `case ${index}, again`).toStrictEqual(vector.expect);
    }
  });

  it('pass through the slow interpreter that the other tests compare with', () => {
    for (const [index, vector] of vectors.cases.entries()) {
      const answer = slowEvaluate(vector.key, vector.stored, vector.context, vectors.segments);
      expect(answer, `case ${index}`).toStrictEqual(vector.expect);
    }
  });
});
