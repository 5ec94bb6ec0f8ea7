import { afterEach, describe, expect, it, vi } from 'vitest';
import { OptionsError, SettingsError } from './index.ts';
import { resolveSettings } from './server.ts';

const ENV = {
  SMOOAI_CONFIG_API_URL: 'https://config.example.com',
  SMOOAI_CONFIG_AUTH_URL: 'https://auth.example.com',
  SMOOAI_CONFIG_CLIENT_ID: 'client-1',
  SMOOAI_CONFIG_CLIENT_SECRET: 's3cret',
  SMOOAI_CONFIG_ORG_ID: 'org-1',
  SMOOAI_CONFIG_ENV: 'staging',
};

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('resolveSettings', () => {
  it('reads the environment variables', () => {
    expect(resolveSettings({}, ENV)).toEqual({
      apiUrl: 'https://config.example.com',
      authUrl: 'https://auth.example.com',
      clientId: 'client-1',
      clientSecret: 's3cret',
      organizationId: 'org-1',
      environment: 'staging',
    });
  });

  it('reads process.env by default', () => {
    for (const [name, value] of Object.entries(ENV)) vi.stubEnv(name, value);
    expect(resolveSettings().organizationId).toBe('org-1');
  });

  it('prefers an option to its variable, but a variable to a blank option', () => {
    const settings = resolveSettings({ environment: 'production', clientId: '  ' }, ENV);
    expect(settings).toMatchObject({ environment: 'production', clientId: 'client-1' });
  });

  it('has defaults for the issuer and the environment', () => {
    const { SMOOAI_CONFIG_AUTH_URL: _, SMOOAI_CONFIG_ENV: __, ...env } = ENV;
    expect(resolveSettings({}, env)).toMatchObject({
      authUrl: 'https://auth.smoo.ai',
      environment: 'development',
    });
  });

  it('lists all missing settings at once, including blank ones', () => {
    const act = () => resolveSettings({}, { SMOOAI_CONFIG_CLIENT_ID: ' \n', SMOOAI_CONFIG_ORG_ID: '' });
    expect(act).toThrow(SettingsError);
    expect(act).toThrow(
      expect.objectContaining({
        code: 'ERR_SETTINGS_MISSING',
        missing: [
          'SMOOAI_CONFIG_API_URL',
          'SMOOAI_CONFIG_CLIENT_ID',
          'SMOOAI_CONFIG_CLIENT_SECRET',
          'SMOOAI_CONFIG_ORG_ID',
        ],
      }),
    );
    expect(act).toThrow('SMOOAI_CONFIG_CLIENT_SECRET');
  });

  it('lists malformed settings beside missing ones', () => {
    const env = { ...ENV, SMOOAI_CONFIG_API_URL: 'nowhere', SMOOAI_CONFIG_CLIENT_ID: '' };
    const wrong = { ...env, SMOOAI_CONFIG_AUTH_URL: 'https://me:hunter2@auth.example.com' };
    expect(() => resolveSettings({}, wrong)).toThrow(
      expect.objectContaining({
        code: 'ERR_SETTINGS_MISSING',
        missing: ['SMOOAI_CONFIG_CLIENT_ID'],
        malformed: [expect.stringContaining('API_URL'), expect.stringContaining('AUTH_URL')],
        message: expect.not.stringContaining('hunter2'),
      }),
    );
  });

  it('falls back to the old names, but prefers the new ones', () => {
    const old = { SMOOAI_CONFIG_API_KEY: 'old-secret', SMOOAI_AUTH_URL: 'https://old.example.com' };
    const blank = { SMOOAI_CONFIG_CLIENT_SECRET: '', SMOOAI_CONFIG_AUTH_URL: ' ' };
    expect(resolveSettings({}, { ...ENV, ...blank, ...old })).toMatchObject({
      clientSecret: 'old-secret',
      authUrl: 'https://old.example.com',
    });
    expect(resolveSettings({}, { ...ENV, ...old })).toMatchObject({
      clientSecret: 's3cret',
      authUrl: 'https://auth.example.com',
    });
  });

  it('trims line breaks and trailing slashes', () => {
    const env = {
      ...ENV,
      SMOOAI_CONFIG_API_URL: 'https://config.example.com/base//\n',
      SMOOAI_CONFIG_CLIENT_SECRET: 's3cret\n',
    };
    expect(resolveSettings({}, env)).toMatchObject({
      apiUrl: 'https://config.example.com/base',
      clientSecret: 's3cret',
    });
  });

  it.each([
    ['SMOOAI_CONFIG_API_URL', 'config.example.com', 'apiUrl'],
    ['SMOOAI_CONFIG_API_URL', 'https://', 'apiUrl'],
    ['SMOOAI_CONFIG_API_URL', 'http://config.example.com', 'apiUrl'],
    ['SMOOAI_CONFIG_AUTH_URL', 'file:///etc/passwd', 'authUrl'],
    ['SMOOAI_CONFIG_AUTH_URL', 'https://me:hunter2@auth.example.com', 'authUrl'],
  ])('names the setting of a malformed URL: %s=%s', (variable, value, option) => {
    const act = () => resolveSettings({}, { ...ENV, [variable]: value });
    expect(act).toThrow(OptionsError);
    expect(act).toThrow(expect.objectContaining({ option }));
    expect(act).toThrow(variable);
    expect(act).not.toThrow('hunter2');
  });

  it('refuses an option that is not a string', () => {
    expect(() => resolveSettings({ clientId: 7 as unknown as string }, ENV)).toThrow(
      expect.objectContaining({ code: 'ERR_OPTIONS_INVALID', option: 'clientId' }),
    );
  });

  it('accepts http URLs of any host if allowed', () => {
    const env = { ...ENV, SMOOAI_CONFIG_API_URL: 'http://config.lan' };
    expect(resolveSettings({ allowInsecureHttp: true }, env).apiUrl).toBe('http://config.lan');
  });
});
