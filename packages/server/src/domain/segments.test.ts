import type { Condition, JsonValue } from '@smooai/config';
import { describe, expect, it } from 'vitest';
import { type Domain, sharedDomain } from '../test-support/domain-fixture.ts';
import { segmentRow } from '../test-support/storage-fixtures.ts';

const newDomain = sharedDomain();

const staff: Condition = { attribute: 'email', op: 'endsWith', values: ['@shop.test'] };
const beta: Condition = { attribute: 'plan', op: 'in', values: ['beta'] };
const twice = (segment: string): Condition => ({ all: [{ segment }, { segment }] });
const flagFor = (segment: string): JsonValue => ({
  $cohort: { rules: [{ id: 'r', when: { segment }, value: true }], defaultValue: false },
});

interface Put {
  environment?: string;
  description?: string | null;
  caller?: ReturnType<Domain['principal']>;
}

/** Puts a segment into `development`, unless the options name another environment. */
function put({ service, principal }: Domain, name: string, condition: unknown, options: Put = {}) {
  const { environment = 'development', description, caller = principal() } = options;
  const input = { condition, ...(description !== undefined && { description }) };
  return service.segments.put(caller, { environment, name }, input);
}

function remove({ service, principal }: Domain, name: string, environment = 'development') {
  return service.segments.delete(principal(), { environment, name });
}

async function namesIn({ service, principal }: Domain, environment: string) {
  const view = await service.view(principal(), environment);
  return service.segments.list(view).map(({ name }) => name);
}

const refusal = (code: string, message: RegExp) => ({ code, message: expect.stringMatching(message) });

/** A condition of so many bytes as JSON. */
function sized(bytes: number): Condition {
  const parts = Array.from({ length: 100 }, () => ({ attribute: 'a', op: 'in', values: ['x'.repeat(550)] }));
  const condition = { any: parts } as Condition & { any: { values: string[] }[] };
  const missing = bytes - JSON.stringify(condition).length;
  condition.any.forEach((part, index) => {
    const share = Math.floor(missing / 100) + (index < missing % 100 ? 1 : 0);
    part.values = ['x'.repeat(550 + share)];
  });
  return condition;
}

describe('a segment that is put', () => {
  it('is stored as a row, and every client of its environment learns of it', async () => {
    const domain = await newDomain();
    const { shop } = domain;
    const stored = await put(domain, 'staff', staff, { description: 'our people' });
    expect(stored).toEqual({
      organizationId: shop.organization.id,
      environmentId: shop.environment.id,
      name: 'staff',
      condition: staff,
      description: 'our people',
      updatedBy: 'client',
      createdAt: expect.any(String),
      updatedAt: stored.createdAt,
    });
    expect(await domain.storage.listSegments(shop.environment.id)).toEqual([stored]);
    // The same condition again is a new revision too: the caller may wait for one.
    const again = await put(domain, 'staff', staff);
    expect(again).toMatchObject({ description: null, createdAt: stored.createdAt });
    expect(await domain.changesOf(shop.environment)).toEqual([
      [{ segments: { staff } }],
      [{ segments: { staff } }],
    ]);
  });

  it('is seen by the environments that fall back to it, unless one between has its own', async () => {
    const domain = await newDomain();
    const [base, middle, top] = await domain.addChain('base', 'middle', 'top');
    const apart = await domain.addEnvironment('apart');
    if (base === undefined || middle === undefined || top === undefined) throw new Error('missing');
    await put(domain, 'staff', staff, { environment: 'base' });
    expect(await domain.changesOf(top)).toEqual([[{ segments: { staff } }]]);
    await put(domain, 'staff', beta, { environment: 'middle' });
    await put(domain, 'staff', { all: [] }, { environment: 'base' });
    expect(await domain.changesOf(base)).toEqual([
      [{ segments: { staff } }],
      [{ segments: { staff: { all: [] } } }],
    ]);
    for (const environment of [middle, top]) {
      expect(await domain.changesOf(environment)).toEqual([
        [{ segments: { staff } }],
        [{ segments: { staff: beta } }],
      ]);
    }
    expect(await domain.changesOf(apart)).toEqual([]);
  });

  it('is listed by name, with the environment that has it', async () => {
    const domain = await newDomain();
    const [base, top] = await domain.addChain('base', 'top');
    for (const name of ['m', 'z', 'a', 'B']) await put(domain, name, staff, { environment: 'base' });
    await put(domain, 'k', staff, { environment: 'top' });
    expect(await namesIn(domain, 'top')).toEqual(['B', 'a', 'k', 'm', 'z']);
    const view = await domain.service.view(domain.principal(), 'top');
    const owners = domain.service.segments.list(view).map(({ environmentId }) => environmentId);
    expect(owners).toEqual([base?.id, base?.id, top?.id, base?.id, base?.id]);
  });

  it.each(['', '-a', '.a', '_a', 'a b', 'a/b', 'é', 'x'.repeat(101), '__proto__', 'a\n'])(
    'may not be named %j',
    async (name) => {
      const domain = await newDomain();
      await expect(put(domain, name, staff)).rejects.toMatchObject(refusal('invalid', /"name" of a segment/));
    },
  );

  it.each(['a', '7', 'A.b_c-9', 'x'.repeat(100), 'constructor'])('may be named %j', async (name) => {
    const domain = await newDomain();
    await put(domain, name, staff);
    expect(await namesIn(domain, 'development')).toEqual([name]);
  });

  it('needs the right to its environment, which must exist', async () => {
    const domain = await newDomain();
    const caller = domain.principal({ environments: ['staging'] });
    await expect(put(domain, 'staff', staff, { caller })).rejects.toMatchObject({ code: 'forbidden' });
    await expect(put(domain, 'staff', staff, { environment: 'none' })).rejects.toMatchObject({
      code: 'not-found',
    });
    expect(await namesIn(domain, 'development')).toEqual([]);
  });
});

describe('a condition is refused', () => {
  it.each([
    ['without a shape', {}, /^Field "condition"/],
    [
      'with an unknown operator',
      { all: [{ attribute: 'a', op: 'like', values: [] }] },
      /^Field "condition\.all\[0\]/,
    ],
    [
      'with a pattern that takes exponential time',
      { attribute: 'a', op: 'matches', values: ['(a+)+$'] },
      /^Field "condition.*exponential/,
    ],
    [
      'with an invalid pattern',
      { attribute: 'a', op: 'matches', values: ['('] },
      /^Field "condition.*regular expression/,
    ],
    ['with an unknown segment', { segment: 'nowhere' }, /^Field "condition.*nowhere/],
  ])('%s', async (_, condition, message) => {
    const domain = await newDomain();
    await expect(put(domain, 'staff', condition)).rejects.toMatchObject(refusal('invalid', message));
    expect(await domain.changesOf(domain.shop.environment)).toEqual([]);
  });

  it('above 64 KiB as JSON, and not below', async () => {
    const domain = await newDomain();
    await put(domain, 'large', sized(64 * 1024));
    await expect(put(domain, 'staff', sized(64 * 1024 + 1))).rejects.toMatchObject(
      refusal('too-large', /^Field "condition" has 65537 bytes as JSON; at most 65536/),
    );
  });

  it('nested so deeply that a recursive walk would overflow the stack', async () => {
    const domain = await newDomain();
    let condition: unknown = staff;
    for (let depth = 0; depth < 100_000; depth += 1) condition = { all: [condition] };
    await expect(put(domain, 'staff', condition)).rejects.toMatchObject(
      refusal('invalid', /^Field "condition" is nested deeper than 64 levels/),
    );
  });

  it('if it refers to itself, directly or through others, in any environment that sees it', async () => {
    const domain = await newDomain();
    const own = { segment: 'a' };
    await expect(put(domain, 'a', own)).rejects.toMatchObject(
      refusal('conflict', /cycle of segments: a → a\.$/),
    );
    await domain.addChain('base', 'top');
    await put(domain, 'a', staff, { environment: 'base' });
    await put(domain, 'b', { segment: 'a' }, { environment: 'top' });
    await put(domain, 'b', staff, { environment: 'base' });
    await expect(put(domain, 'a', { segment: 'b' }, { environment: 'base' })).rejects.toMatchObject(
      refusal('conflict', /^Field "condition" would create a cycle of segments: a → b → a\.$/),
    );
    expect((await domain.service.view(domain.principal(), 'top')).segments.get('a')?.condition).toEqual(
      staff,
    );
  });

  it('if something that uses it becomes too large to evaluate', async () => {
    const domain = await newDomain();
    await put(domain, 's0', staff);
    for (let level = 1; level <= 12; level += 1) await put(domain, `s${level}`, twice(`s${level - 1}`));
    await domain.set('newCheckout', flagFor('s12'));
    await expect(put(domain, 's0', { any: [staff, staff] })).rejects.toMatchObject(
      refusal('conflict', /^Field "condition" makes the segment "s\d+" in "development" exceed the limit/),
    );
  });
});

it('an environment has at most 1,000 segments, those of its fallback included', async () => {
  const domain = await newDomain();
  const [base] = await domain.addChain('base', 'top');
  if (base === undefined) throw new Error('missing');
  await domain.storage.transaction(async (operations) => {
    for (let index = 0; index < 1_000; index += 1) {
      await operations.upsertSegment(
        segmentRow(domain.shop, { environmentId: base.id, name: `s${index}`, condition: staff }),
      );
    }
  });
  await expect(put(domain, 'one-more', staff, { environment: 'top' })).rejects.toMatchObject(
    refusal('conflict', /has 1000 segments, the maximum/),
  );
  expect(await put(domain, 's7', beta, { environment: 'base' })).toMatchObject({ condition: beta });
  await remove(domain, 's0', 'base');
  expect(await put(domain, 'one-more', staff, { environment: 'base' })).toMatchObject({ name: 'one-more' });
});

describe('a segment that is deleted', () => {
  it('is gone for its environment and those that saw it', async () => {
    const domain = await newDomain();
    const [base, top] = await domain.addChain('base', 'top');
    if (base === undefined || top === undefined) throw new Error('missing');
    await put(domain, 'staff', staff, { environment: 'base' });
    await remove(domain, 'staff', 'base');
    for (const environment of [base, top]) {
      expect(await domain.changesOf(environment)).toEqual([[{ segments: { staff } }], [{ segments: {} }]]);
    }
  });

  it('gives way to the one of the fallback, also while it is used', async () => {
    const domain = await newDomain();
    const [, top] = await domain.addChain('base', 'top');
    if (top === undefined) throw new Error('missing');
    await put(domain, 'staff', staff, { environment: 'base' });
    await put(domain, 'staff', staff, { environment: 'top' });
    await domain.set('newCheckout', flagFor('staff'), top);
    await remove(domain, 'staff', 'top');
    // It looks the same, but is a new revision of the environment that was written to.
    expect((await domain.changesOf(top)).at(-1)).toEqual([{ segments: { staff } }]);
    expect(await namesIn(domain, 'top')).toEqual(['staff']);
  });

  it.each(['base', 'none'])('must be the own one of its environment: not %s', async (name) => {
    const domain = await newDomain();
    await domain.addChain('base', 'top');
    await put(domain, 'base', staff, { environment: 'base' });
    await expect(remove(domain, name, 'top')).rejects.toMatchObject(
      refusal('not-found', new RegExp(`^"top" has no segment "${name}" of its own`)),
    );
  });

  it('may not be used by a key or segment of any environment that sees it', async () => {
    const domain = await newDomain();
    const [, top] = await domain.addChain('base', 'top');
    await put(domain, 'staff', staff, { environment: 'base' });
    await put(domain, 'other', beta, { environment: 'base' });
    await put(domain, 'team', { segment: 'staff' }, { environment: 'top' });
    await domain.set('newCheckout', flagFor('staff'), top);
    await expect(remove(domain, 'staff', 'base')).rejects.toMatchObject({
      code: 'conflict',
      message:
        'The segment "staff" is used in "top" by "newCheckout", the segment "team". Change that first.',
      fields: { usedBy: ['"newCheckout"', 'the segment "team"'] },
    });
    expect(await namesIn(domain, 'base')).toEqual(['other', 'staff']);
    await remove(domain, 'other', 'base');
  });

  it('is reported with at most 20 of its users in the message, and all of them in the fields', async () => {
    const domain = await newDomain();
    await put(domain, 'staff', staff);
    for (let index = 0; index < 21; index += 1) await put(domain, `u${index}`, { segment: 'staff' });
    const error = await remove(domain, 'staff').catch((reason: unknown) => reason);
    const { message, fields } = error as { message: string; fields: { usedBy: string[] } };
    expect(message.match(/the segment "u/g)).toHaveLength(20);
    expect(fields.usedBy).toHaveLength(21);
  });

  it('may not expose a larger one of the fallback that is too large for its users', async () => {
    const domain = await newDomain();
    await domain.addChain('base', 'top');
    await put(domain, 's0', { any: [staff, staff] }, { environment: 'base' });
    await put(domain, 's0', staff, { environment: 'top' });
    for (let level = 1; level <= 12; level += 1) {
      await put(domain, `s${level}`, twice(`s${level - 1}`), { environment: 'top' });
    }
    await expect(remove(domain, 's0', 'top')).rejects.toMatchObject(
      refusal('conflict', /^The fallback's segment "s0" makes the segment "s\d+" in "top" exceed/),
    );
  });
});
