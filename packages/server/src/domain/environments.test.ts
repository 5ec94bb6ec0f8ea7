import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Principal } from '../principal.ts';
import { sharedDomain } from '../test-support/domain-fixture.ts';
import { environmentRow, segmentRow } from '../test-support/storage-fixtures.ts';

const newDomain = sharedDomain();
const LIMITED: Partial<Principal> = { environments: ['development', 'preview'] };
const forbidden = { code: 'forbidden' };
const notFound = { code: 'not-found' };
const conflict = (text: string) => ({ code: 'conflict', message: expect.stringContaining(text) });

describe('a new environment', () => {
  it('has what the request says, and a revision above those of earlier ones', async () => {
    const { service, storage, shop, principal, addEnvironment } = await newDomain();
    const staging = await addEnvironment('staging');
    const before = Date.now();
    const plain = await service.environments.create(principal(), { name: 'plain' });
    const full = await service.environments.create(principal(), {
      name: 'full',
      description: 'for reviews',
      fallbackEnvironmentId: staging.id,
    });
    const common = { id: expect.any(String), organizationId: shop.organization.id };
    expect(plain).toMatchObject({
      ...common,
      name: 'plain',
      description: null,
      fallbackEnvironmentId: null,
      updatedAt: plain.createdAt,
    });
    expect(full).toMatchObject({ ...common, description: 'for reviews', fallbackEnvironmentId: staging.id });
    expect(plain.revision).toBeGreaterThanOrEqual(before);
    expect(plain.revision).toBe(Date.parse(plain.createdAt));
    expect(await storage.findEnvironment(full.id)).toEqual(full);
    const names = (await service.environments.list(principal())).map(({ name }) => name);
    expect(names).toEqual(['development', 'full', 'plain', 'staging']);
    const own = await service.environments.list(principal({ environments: ['plain', 'elsewhere'] }));
    expect(own.map(({ name }) => name)).toEqual(['plain']);
  });

  it('is refused for a limited client, a taken name, and a fallback of another organization', async () => {
    const { service, principal } = await newDomain();
    const other = await newDomain();
    const { environments } = service;
    await expect(environments.create(principal(LIMITED), { name: 'preview' })).rejects.toMatchObject({
      ...forbidden,
      message: expect.stringContaining('create environments'),
    });
    await expect(environments.create(principal(), { name: 'development' })).rejects.toMatchObject(
      conflict('"name": there is an environment "development"'),
    );
    const fallbackEnvironmentId = other.shop.environment.id;
    await expect(
      environments.create(principal(), { name: 'spy', fallbackEnvironmentId }),
    ).rejects.toMatchObject({ ...notFound, message: expect.stringContaining('"fallbackEnvironmentId"') });
    expect(await environments.list(principal())).toHaveLength(1);
  });

  it('is refused with a sixth fallback', async () => {
    const { service, principal, addChain } = await newDomain();
    const chain = await addChain('e1', 'e2', 'e3', 'e4', 'e5', 'e6');
    const create = (name: string, fallbackEnvironmentId = '') =>
      service.environments.create(principal(), { name, fallbackEnvironmentId });
    await expect(create('seventh', chain[5]?.id)).rejects.toMatchObject(
      conflict('"seventh" a chain of more than 5'),
    );
    expect((await create('sixth', chain[4]?.id)).name).toBe('sixth');
  });
});

it('a new environment is refused after a thousand', async () => {
  const { serviceWith, shop, principal } = await newDomain();
  const rows = Array.from({ length: 1_000 }, () => environmentRow(shop.organization, {}));
  const listEnvironments = vi.fn().mockResolvedValue(rows).mockResolvedValueOnce(rows.slice(1));
  const service = serviceWith({ listEnvironments });
  onTestFinished(() => service.close());
  const create = (name: string) => service.environments.create(principal(), { name });
  expect((await create('last')).name).toBe('last');
  await expect(create('more')).rejects.toMatchObject(conflict('has 1000 environments, the maximum'));
  expect(listEnvironments).toHaveBeenCalledWith(shop.organization.id);
});

describe('a changed environment', () => {
  it('keeps what the request leaves out', async () => {
    const { service, storage, principal, addChain, changesOf } = await newDomain();
    const [, top] = await addChain('base', 'preview');
    if (top === undefined) throw new Error('missing');
    const changed = await service.environments.update(principal(LIMITED), top.id, { description: 'mine' });
    expect(changed).toEqual({ ...top, description: 'mine', updatedAt: expect.any(String) });
    expect(Date.parse(changed.updatedAt)).toBeGreaterThan(Date.parse(top.updatedAt));
    expect(await storage.findEnvironment(top.id)).toEqual(changed);
    // Its clients see nothing of it.
    expect(await changesOf(top)).toEqual([]);
  });

  it('gets a new revision for a new name, and only a client for all environments may give it one', async () => {
    const { service, principal, addEnvironment, changesOf } = await newDomain();
    const preview = await addEnvironment('preview');
    const rename = (caller: Principal, name: string) =>
      service.environments.update(caller, preview.id, { name });
    await expect(rename(principal(LIMITED), 'development-2')).rejects.toMatchObject(forbidden);
    await expect(rename(principal({ environments: ['other'] }), 'preview')).rejects.toMatchObject(forbidden);
    expect((await rename(principal(LIMITED), 'preview')).name).toBe('preview');
    await expect(rename(principal(), 'development')).rejects.toMatchObject(
      conflict('"name": there is an environment "development"'),
    );
    expect((await rename(principal(), 'review')).name).toBe('review');
    expect(await changesOf(preview)).toEqual([[]]);
    await expect(service.view(principal(), 'preview')).rejects.toMatchObject(notFound);
    expect((await service.view(principal(), 'review')).environment.id).toBe(preview.id);
  });

  it('cannot have a fallback that its caller may not use, or that makes a cycle or too long a chain', async () => {
    const { service, shop, principal, addEnvironment, addChain } = await newDomain();
    const vault = await addEnvironment('vault');
    const { id } = shop.environment;
    const update = (target: string, fallback: string | null, caller: Principal = principal()) =>
      service.environments.update(caller, target, { fallbackEnvironmentId: fallback });
    await expect(update(id, vault.id, principal(LIMITED))).rejects.toMatchObject(forbidden);
    // One that is there already may stay.
    await update(id, vault.id);
    await update(id, vault.id, principal(LIMITED));
    await update(id, null, principal(LIMITED));
    await update(id, vault.id, principal({ environments: ['development', 'vault'] }));
    const chain = await addChain('e1', 'e2', 'e3', 'e4', 'e5', 'e6');
    const [first, second] = chain.map((entry) => entry.id);
    await expect(update(first ?? '', second ?? '')).rejects.toMatchObject(conflict('cycle: e1 → e2 → e1'));
    await expect(update(first ?? '', first ?? '')).rejects.toMatchObject(conflict('cycle: e1 → e1'));
    await expect(update(first ?? '', vault.id)).rejects.toMatchObject(conflict('"e6" a chain of more'));
    await expect(update(id, 'nothing')).rejects.toMatchObject(notFound);
    const other = await newDomain();
    await expect(update(id, other.shop.environment.id)).rejects.toMatchObject(notFound);
    await expect(update(other.shop.environment.id, null)).rejects.toMatchObject(notFound);
  });

  it('and its dependents get the values of a new fallback', async () => {
    const { service, principal, addEnvironment, addChain, set, changesOf } = await newDomain();
    const vault = await addEnvironment('vault');
    await set('supportEmail', 'vault@shop.test', vault);
    await set('theme', 'dark', vault);
    const [base, top, above] = await addChain('base', 'top', 'above');
    if (base === undefined || top === undefined || above === undefined) throw new Error('missing');
    await set('theme', 'light', top);
    await service.environments.update(principal(), base.id, { fallbackEnvironmentId: vault.id });
    const email = { tier: 'public', key: 'supportEmail', value: 'vault@shop.test' };
    const theme = { tier: 'feature_flag', key: 'theme', value: 'dark' };
    expect(await changesOf(base)).toEqual([[email, theme]]);
    expect((await changesOf(top)).slice(1)).toEqual([[email]]);
    expect((await changesOf(above)).slice(1)).toEqual([[email]]);
    expect((await changesOf(vault)).length).toBe(2);
    await service.environments.update(principal(), base.id, { fallbackEnvironmentId: null });
    expect((await changesOf(above)).at(-1)).toEqual([{ tier: 'public', key: 'supportEmail', deleted: true }]);
    // Without a change that it sees, an environment keeps its revision.
    const { revision } = (await service.view(principal(), 'above')).environment;
    const empty = await addEnvironment('empty');
    await service.environments.update(principal(), base.id, { fallbackEnvironmentId: empty.id });
    expect((await service.view(principal(), 'above')).environment.revision).toBe(revision);
  });

  it('cannot lose a fallback whose segment it still uses', async () => {
    const { service, storage, shop, principal, addChain, set } = await newDomain();
    const [base, top] = await addChain('base', 'top');
    if (base === undefined || top === undefined) throw new Error('missing');
    await storage.upsertSegment(segmentRow(shop, { environmentId: base.id, name: 'vips' }));
    const rules = [{ id: 'r', when: { segment: 'vips' }, value: 'dark' }];
    await set('theme', { $cohort: { rules, defaultValue: 'light' } }, top);
    const update = service.environments.update(principal(), top.id, { fallbackEnvironmentId: null });
    await expect(update).rejects.toMatchObject(conflict('"top" would lose the segment "vips"'));
    expect((await storage.findEnvironment(top.id))?.fallbackEnvironmentId).toBe(base.id);
  });
});

describe('a deleted environment', () => {
  it('is gone with its values', async () => {
    const { service, storage, principal, addEnvironment, set } = await newDomain();
    const preview = await addEnvironment('preview');
    await set('theme', 'dark', preview);
    expect((await service.view(principal(), 'preview')).values.size).toBe(1);
    await service.environments.delete(principal(), preview.id);
    expect(await storage.findEnvironment(preview.id)).toBeUndefined();
    expect(await storage.listValues(preview.id)).toEqual([]);
    expect(await service.viewById(preview.id)).toBeUndefined();
    await expect(service.view(principal(), 'preview')).rejects.toMatchObject(notFound);
    await expect(service.environments.delete(principal(), preview.id)).rejects.toMatchObject(notFound);
  });

  it('is not one of others, of a limited client, or one that others fall back to', async () => {
    const { service, storage, principal, addChain } = await newDomain();
    const other = await newDomain();
    const [base, top] = await addChain('development-2', 'preview');
    if (base === undefined || top === undefined) throw new Error('missing');
    const remove = (id: string, caller = principal()) => service.environments.delete(caller, id);
    await expect(remove(other.shop.environment.id)).rejects.toMatchObject(notFound);
    await expect(remove(top.id, principal(LIMITED))).rejects.toMatchObject({
      ...forbidden,
      message: expect.stringContaining('delete environments'),
    });
    await expect(remove(base.id)).rejects.toMatchObject({
      ...conflict('"development-2" is the fallback of preview.'),
      fields: { environments: ['preview'] },
    });
    for (const { id } of [base, top, other.shop.environment]) {
      expect(await storage.findEnvironment(id)).toBeDefined();
    }
    await remove(top.id);
    await remove(base.id);
  });
});

describe('a caller with an open stream', () => {
  const watch = (domain: Awaited<ReturnType<typeof newDomain>>, id: string, fields?: Partial<Principal>) => {
    const lost = vi.fn();
    const stop = domain.service.environments.onLost(domain.principal(fields), id, lost);
    return { lost, stop };
  };

  it('loses an environment that is deleted, once', async () => {
    const domain = await newDomain();
    const preview = await domain.addEnvironment('preview');
    const { environments } = domain.service;
    const [open, stopped] = [watch(domain, preview.id), watch(domain, preview.id)];
    const another = watch(domain, domain.shop.environment.id);
    stopped.stop();
    await environments.delete(domain.principal(), preview.id);
    expect([open, stopped, another].map(({ lost }) => lost.mock.calls.length)).toEqual([1, 0, 0]);
    open.stop();
    another.stop();
  });

  it('loses one whose new name it may not use, and keeps it otherwise', async () => {
    const domain = await newDomain();
    const preview = await domain.addEnvironment('preview');
    const limited = watch(domain, preview.id, { environments: ['preview', 'review'] });
    const everything = watch(domain, preview.id);
    const rename = (name: string) =>
      domain.service.environments.update(domain.principal(), preview.id, { name });
    await rename('review');
    expect(limited.lost).not.toHaveBeenCalled();
    await rename('vault');
    await rename('vault-2');
    expect(limited.lost).toHaveBeenCalledTimes(1);
    expect(everything.lost).not.toHaveBeenCalled();
    everything.stop();
  });

  it('keeps one that could not be deleted or renamed', async () => {
    const domain = await newDomain();
    const { id } = domain.shop.environment;
    await domain.addEnvironment('above', domain.shop.environment);
    const { lost, stop } = watch(domain, id, { environments: ['development'] });
    const { environments } = domain.service;
    await expect(environments.delete(domain.principal(), id)).rejects.toMatchObject(conflict('above'));
    await expect(environments.update(domain.principal(), id, { name: 'above' })).rejects.toThrow();
    expect(lost).not.toHaveBeenCalled();
    stop();
  });
});
