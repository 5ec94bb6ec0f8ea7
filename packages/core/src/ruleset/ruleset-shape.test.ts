import { describe, expect, it } from 'vitest';
import { rulesetOf } from '../test-support/ruleset.ts';
import { isRuleset, isRulesetPatch } from './ruleset-shape.ts';

const notRecords: unknown[] = [undefined, null, true, 1, 'text', [], [{}]];
const notTexts: unknown[] = [null, 1, {}, ['1']];
const notRevisions: unknown[] = [...notTexts, '', 'a', '1a', 'a1', '-1', '1.5', ' 1', '1\n2'];

describe('a ruleset', () => {
  const whole = rulesetOf({ revision: '12' });

  it('has a revision, an environment, the four groups and segments; an epoch is optional', () => {
    expect(isRuleset(whole)).toBe(true);
    expect(isRuleset({ ...whole, revision: '0', epoch: 'a', public: { title: null }, future: [] })).toBe(
      true,
    );
    expect(isRuleset({ ...whole, epoch: undefined })).toBe(true);
  });

  it.each(notRecords)('is not %j', (value) => {
    expect(isRuleset(value)).toBe(false);
  });

  it.each(['environment', 'public', 'secret', 'flags', 'limits', 'segments', 'revision'])(
    'needs "%s"',
    (name) => {
      const { [name as 'public']: _left, ...rest } = whole;
      expect(isRuleset(rest)).toBe(false);
    },
  );

  it.each(['public', 'secret', 'flags', 'limits', 'segments'])('has an object in "%s"', (name) => {
    for (const value of notRecords) expect(isRuleset({ ...whole, [name]: value }), String(value)).toBe(false);
  });

  it('has a number as its revision, and strings as its environment and epoch', () => {
    for (const revision of notRevisions) {
      expect(isRuleset({ ...whole, revision }), String(revision)).toBe(false);
    }
    for (const text of notTexts) {
      expect(isRuleset({ ...whole, environment: text }), String(text)).toBe(false);
      expect(isRuleset({ ...whole, epoch: text }), String(text)).toBe(false);
    }
  });
});

describe('a patch', () => {
  const set = { tier: 'public', key: 'title', value: 'Shop' };
  const whole = { revision: '12', previousRevision: '11', changes: [set] };

  it('has a revision and changes; the revision before is optional', () => {
    expect(isRulesetPatch(whole)).toBe(true);
    expect(isRulesetPatch({ revision: '12', changes: [] })).toBe(true);
    const changes = [
      ...['public', 'secret', 'feature_flag', 'limit'].map((tier) => ({ ...set, tier })),
      { ...set, value: null },
      { tier: 'limit', key: 'rate', deleted: true },
      { segments: {} },
    ];
    expect(isRulesetPatch({ ...whole, changes })).toBe(true);
  });

  it.each(notRecords)('is not %j', (value) => {
    expect(isRulesetPatch(value)).toBe(false);
  });

  it('has numbers as its revisions', () => {
    for (const revision of [undefined, ...notRevisions]) {
      expect(isRulesetPatch({ ...whole, revision }), String(revision)).toBe(false);
    }
    for (const previousRevision of notRevisions) {
      expect(isRulesetPatch({ ...whole, previousRevision }), String(previousRevision)).toBe(false);
    }
  });

  it.each([undefined, null, {}, 'text', { 0: set, length: 1 }])(
    'has a list of changes, not %j',
    (changes) => {
      expect(isRulesetPatch({ ...whole, changes })).toBe(false);
    },
  );

  it.each([
    ...notRecords,
    { key: 'title', value: 1 },
    { tier: 'flags', key: 'title', value: 1 },
    { tier: 'public', value: 1 },
    { tier: 'public', key: 1, value: 1 },
    { tier: 'public', key: 'title' },
    { tier: 'public', key: 'title', deleted: false },
    { tier: 'public', key: 'title', deleted: 'true' },
    { segments: [] },
    { segments: null },
    { ...set, segments: undefined },
  ])('is refused as a whole with the change %j', (change) => {
    expect(isRulesetPatch({ ...whole, changes: [set, change] })).toBe(false);
    expect(isRulesetPatch({ ...whole, changes: [change, set] })).toBe(false);
  });
});
