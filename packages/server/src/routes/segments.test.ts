import type { Condition } from '@smooai/config';
import { describe, expect, it } from 'vitest';
import { startShop } from '../test-support/shop-server.ts';

const staff: Condition = { attribute: 'email', op: 'endsWith', values: ['@shop.test'] };
const staffOnly = {
  $cohort: { rules: [{ id: 'staff', when: { segment: 'staff' }, value: true }], defaultValue: false },
};

describe('segments', () => {
  it('are stored, listed and used by values', async () => {
    const shop = await startShop();
    const put = await shop.call('PUT', '/segments/staff?environment=development', {
      condition: staff,
      description: 'our people',
    });
    expect(put.status).toBe(200);
    expect(put.body).toMatchObject({ name: 'staff', condition: staff, description: 'our people' });
    await shop.set('newCheckout', staffOnly);
    const evaluate = async (email: string) =>
      (
        await shop.call('POST', '/feature-flags/newCheckout/evaluate', {
          environment: 'development',
          context: { email },
        })
      ).body;
    expect(await evaluate('ann@shop.test')).toEqual({ value: true, source: 'rule', matchedRuleId: 'staff' });
    expect(await evaluate('ann@else.test')).toEqual({ value: false, source: 'default' });
    await shop.putSegment('staff', { attribute: 'email', op: 'endsWith', values: ['@else.test'] });
    expect((await evaluate('ann@else.test')).value).toBe(true);
    const list = await shop.call('GET', '/segments?environment=development');
    expect(list.body).toMatchObject([{ name: 'staff', environmentId: shop.environments.development }]);
  });

  it('come from fallbacks, unless they are overridden', async () => {
    const shop = await startShop();
    await shop.addEnvironment('preview', 'staging');
    await shop.putSegment('staff', staff, 'staging');
    await shop.set('newCheckout', staffOnly, 'preview');
    expect((await shop.ruleset('preview')).segments).toEqual({ staff });
    await shop.putSegment('staff', { all: [] }, 'preview');
    const before = (await shop.ruleset('preview')).revision;
    await shop.putSegment('staff', { any: [] }, 'staging');
    expect(await shop.ruleset('preview')).toMatchObject({
      revision: before,
      segments: { staff: { all: [] } },
    });
    // The fallback's segment replaces it, so its users still have one.
    expect((await shop.call('DELETE', '/segments/staff?environment=preview')).status).toBe(204);
    expect((await shop.ruleset('preview')).segments).toEqual({ staff: { any: [] } });
    const used = await shop.call('DELETE', '/segments/staff?environment=staging');
    expect(used.status).toBe(409);
    expect(used.body).toMatchObject({ usedBy: ['"newCheckout"'] });
    expect(used.body.message).toContain('"preview"');
    const apart = await shop.call('PATCH', `/environments/${shop.environments.preview}`, {
      fallbackEnvironmentId: null,
    });
    expect(apart.status).toBe(409);
    expect(apart.body.message).toContain('"staff"');
  });

  it('cannot be deleted while a value or another segment uses them', async () => {
    const shop = await startShop();
    await shop.putSegment('staff', staff);
    await shop.putSegment('testers', { any: [{ segment: 'staff' }] });
    const refused = await shop.call('DELETE', '/segments/staff?environment=development');
    expect(refused.status).toBe(409);
    expect(refused.body.usedBy).toEqual(['the segment "testers"']);
    expect((await shop.call('DELETE', '/segments/testers?environment=development')).status).toBe(204);
    expect((await shop.call('DELETE', '/segments/staff?environment=development')).status).toBe(204);
    expect((await shop.call('DELETE', '/segments/staff?environment=development')).status).toBe(404);
    expect((await shop.ruleset()).segments).toEqual({});
  });

  it('cannot form a cycle', async () => {
    const shop = await startShop();
    const self = await shop.putSegment('a', { not: { segment: 'a' } });
    expect(self.status).toBe(409);
    expect(self.body.message).toContain('a → a');
    await shop.putSegment('a', staff);
    await shop.putSegment('b', { all: [{ segment: 'a' }] });
    await shop.putSegment('c', { any: [{ not: { segment: 'b' } }] });
    const cycle = await shop.putSegment('a', { segment: 'c' });
    expect(cycle.status).toBe(409);
    expect(cycle.body.message).toContain('a → c → b → a');
    expect((await shop.ruleset()).segments).toMatchObject({ a: staff });
    const unknown = await shop.putSegment('d', { segment: 'nowhere' });
    expect(unknown.status).toBe(400);
    expect(unknown.body.message).toContain('nowhere');
  });

  it('are refused if anything that uses them becomes too large to evaluate', async () => {
    const shop = await startShop();
    const twice = (segment: string): Condition => ({ all: [{ segment }, { segment }] });
    await shop.putSegment('s0', staff);
    for (let level = 1; level <= 12; level++) {
      expect((await shop.putSegment(`s${level}`, twice(`s${level - 1}`))).status).toBe(200);
    }
    // 2 ** 13 copies of staff and as many references are more than 20,000; one level less is within the limit.
    const above = await shop.putSegment('s13', twice('s12'));
    expect(above.status).toBe(400);
    expect(above.body.message).toMatch(/"condition": .*20000 conditions.*Refer to fewer segments/);
    const flag = { $cohort: { rules: [{ id: 'r', when: twice('s12'), value: true }], defaultValue: false } };
    const written = await shop.call('PUT', '/values', shop.write({ key: 'newCheckout', value: flag }));
    expect(written.status).toBe(400);
    expect(written.body.message).toMatch(/"value\.\$cohort\.rules\[0\]\.when" of "newCheckout": .*shorten/);
    // A valid segment becomes too large if one that it uses grows.
    await shop.set('newCheckout', {
      $cohort: { rules: [{ id: 'r', when: { segment: 's12' }, value: true }], defaultValue: false },
    });
    const beneath = await shop.putSegment('s0', { any: [staff, staff] });
    expect(beneath.status).toBe(409);
    expect(beneath.body.message).toMatch(
      /makes the segment "s\d+" in "development" exceed the limit on conditions .*Simplify it/,
    );
    expect((await shop.ruleset()).segments?.s0).toEqual(staff);
    // The same if the larger segment comes from a fallback.
    await shop.addEnvironment('larger');
    await shop.putSegment('s0', { any: [staff, staff] }, 'larger');
    await shop.addEnvironment('preview', 'development');
    await shop.putSegment('s0', staff, 'preview');
    const adopted = await shop.call('PATCH', `/environments/${shop.environments.development}`, {
      fallbackEnvironmentId: shop.environments.larger,
    });
    expect(adopted.status).toBe(200);
    const exposed = await shop.call('DELETE', '/segments/s0?environment=development');
    expect(exposed.status).toBe(409);
    expect(exposed.body.message).toContain('exceed the limit');
    await shop.addEnvironment('small');
    await shop.putSegment('s0', staff, 'small');
    await shop.addEnvironment('leaf', 'small');
    for (let level = 1; level <= 12; level++) {
      await shop.putSegment(`s${level}`, twice(`s${level - 1}`), 'leaf');
    }
    const moved = await shop.call('PATCH', `/environments/${shop.environments.leaf}`, {
      fallbackEnvironmentId: shop.environments.larger,
    });
    expect(moved.status).toBe(409);
    expect(moved.body.message).toMatch(/in "leaf", the segment "s12" would exceed the limit/);
  });

  it('refuse an invalid name or condition', async () => {
    const shop = await startShop();
    const names = ['__proto__', '%20', 'a%2Fb', 'x'.repeat(101), '-a'];
    for (const name of names) {
      const response = await shop.putSegment(name, staff);
      expect(response.status, name).toBe(400);
      expect(response.body.message).toContain('"name"');
    }
    const conditions: unknown[] = [
      undefined,
      null,
      [],
      'x',
      {},
      { all: {} },
      { attribute: 'a', op: 'like', values: [] },
      { attribute: 1, op: 'in', values: [] },
      { attribute: 'a', op: 'matches', values: ['(a+)+$'] },
      { attribute: 'a', op: 'in', values: ['x'.repeat(70_000)] },
    ];
    for (const condition of conditions) {
      const response = await shop.call('PUT', '/segments/a?environment=development', { condition });
      expect([400, 413]).toContain(response.status);
      expect(response.body.message).toContain('"condition');
    }
  });
});
