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
import { slowEvaluate } from '../test-support/slow-interpreter.ts';

interface Vectors {
  segments: Segments;
  cases: { key: string; stored: JsonValue; context: EvaluationContext; expect: Evaluation }[];
}

const vectors: Vectors = JSON.parse(
  readFileSync(new URL('../testdata/flag-vectors.json', import.meta.url), 'utf8'),
) as Vectors;

describe('the shared vectors', () => {
  it('are 1,200 cases', () => {
    expect(vectors.cases).toHaveLength(1200);
  });

  it('pass through evaluate', () => {
    for (const [index, vector] of vectors.cases.entries()) {
      const result = evaluate(vector.key, vector.stored, vector.context, vectors.segments);
      expect(result, `case ${index}`).toStrictEqual(vector.expect);
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
      const result = slowEvaluate(vector.key, vector.stored, vector.context, vectors.segments);
      expect(result, `case ${index}`).toStrictEqual(vector.expect);
    }
  });
});
