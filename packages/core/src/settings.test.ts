import { afterEach, describe, expect, it, vi } from 'vitest';
import { SettingsError } from './index.ts';
import { readSettings, resolveSettings, type SettingsOptions } from './server.ts';

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

  it('has a default for the environment', () => {
    const { SMOOAI_CONFIG_ENV: _, ...env } = ENV;
    expect(resolveSettings({}, env)).toMatchObject({ environment: 'development' });
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
    ['SMOOAI_CONFIG_API_URL', 'config.example.com'],
    ['SMOOAI_CONFIG_API_URL', 'https://'],
    ['SMOOAI_CONFIG_API_URL', 'http://config.example.com'],
    ['SMOOAI_CONFIG_AUTH_URL', 'file:///etc/passwd'],
    ['SMOOAI_CONFIG_AUTH_URL', 'https://me:hunter2@auth.example.com'],
  ])('lists a malformed URL that is the only fault: %s=%s', (variable, value) => {
    const act = () => resolveSettings({}, { ...ENV, [variable]: value });
    expect(act).toThrow(SettingsError);
    expect(act).toThrow(
      expect.objectContaining({ missing: [], malformed: [expect.stringContaining(variable)] }),
    );
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

describe('the issuer, if none is set', () => {
  const { SMOOAI_CONFIG_AUTH_URL: _, ...env } = ENV;
  const resolve = (apiUrl: string, options: SettingsOptions = {}) =>
    resolveSettings(options, { ...env, SMOOAI_CONFIG_API_URL: apiUrl });

  it.each([
    'https://smoo.ai',
    'https://api.smoo.ai',
    'https://API.Smoo.AI/base/',
    'https://config.eu.smoo.ai:8443',
  ])('is the hosted one for the hosted API: %s', (apiUrl) => {
    expect(resolve(apiUrl).authUrl).toBe('https://auth.smoo.ai');
  });

  it.each([
    'http://127.0.0.1:4400',
    'https://config.example.com',
    'https://evilsmoo.ai',
    'https://smoo.ai.evil.com',
    'https://evil.com/.smoo.ai',
    'https://smoo.ai.',
    'https://api.smoo.ai.',
    'https://smoo.ai%2eevil.com',
    'https://smoo\u3002ai.evil.com',
  ])('is missing for any other API: %s', (apiUrl) => {
    expect(() => resolve(apiUrl)).toThrow(
      expect.objectContaining({
        code: 'ERR_SETTINGS_MISSING',
        missing: ['SMOOAI_CONFIG_AUTH_URL'],
        message: expect.stringMatching(/set SMOOAI_CONFIG_AUTH_URL \(authUrl\) to/),
      }),
    );
  });

  it('is missing for the hosted API over http', () => {
    expect(() => resolve('http://api.smoo.ai', { allowInsecureHttp: true })).toThrow(
      expect.objectContaining({ missing: ['SMOOAI_CONFIG_AUTH_URL'] }),
    );
  });

  it.each(['https://api.smoo.ai@evil.com', 'https://me:hunter2@api.smoo.ai', 'https://evil.com#.smoo.ai'])(
    'does not matter if the URL of the API is refused: %s',
    (apiUrl) => {
      expect(() => resolve(apiUrl)).toThrow(
        expect.objectContaining({ missing: [], malformed: [expect.stringContaining('API_URL')] }),
      );
    },
  );

  it('is listed with all other missing settings', () => {
    const act = () => resolveSettings({}, { SMOOAI_CONFIG_API_URL: 'http://127.0.0.1:4400' });
    expect(act).toThrow(
      expect.objectContaining({
        missing: [
          'SMOOAI_CONFIG_AUTH_URL',
          'SMOOAI_CONFIG_CLIENT_ID',
          'SMOOAI_CONFIG_CLIENT_SECRET',
          'SMOOAI_CONFIG_ORG_ID',
        ],
      }),
    );
  });

  it('is not listed beside the URL of the hosted API', () => {
    const act = () => resolveSettings({}, { SMOOAI_CONFIG_API_URL: 'https://api.smoo.ai' });
    expect(act).toThrow(
      expect.objectContaining({ missing: expect.not.arrayContaining(['SMOOAI_CONFIG_AUTH_URL']) }),
    );
  });

  it('is not replaced by the default if it is set but malformed', () => {
    expect(() => resolve('https://api.smoo.ai', { authUrl: 'http://auth.smoo.ai' })).toThrow(
      expect.objectContaining({ missing: [], malformed: [expect.stringContaining('AUTH_URL')] }),
    );
  });

  it('may come from SMOOAI_AUTH_URL', () => {
    const settings = resolveSettings({}, { ...env, SMOOAI_AUTH_URL: 'https://login.example.com' });
    expect(settings.authUrl).toBe('https://login.example.com');
  });
});

describe('readSettings', () => {
  it('returns the settings as they are set, and requires none', () => {
    expect(readSettings({ apiUrl: 'nowhere/' }, { SMOOAI_CONFIG_ORG_ID: ' org-1 ' })).toEqual({
      apiUrl: 'nowhere/',
      organizationId: 'org-1',
      environment: 'development',
    });
  });
});
