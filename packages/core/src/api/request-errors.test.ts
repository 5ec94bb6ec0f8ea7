import { describe, expect, it } from 'vitest';
import { failureOf, fakeTimersInEach, setUpRequester } from '../test-support/request-fixture.ts';
import type { ApiRequest } from './request-target.ts';

const CONFIG = ['organizations', 'o-1', 'config'];
const query = { environment: 'production' };
const values: ApiRequest = { method: 'GET', path: [...CONFIG, 'values'], query };
const value: ApiRequest = { method: 'GET', path: [...CONFIG, 'values', 'theme'], query };
const schemas: ApiRequest = { method: 'GET', path: [...CONFIG, 'schemas'] };
const environment: ApiRequest = { method: 'DELETE', path: [...CONFIG, 'environments', 'e-1'] };

const ORGANIZATION = 'Check organizationId (SMOOAI_CONFIG_ORG_ID).';
const ENVIRONMENT = 'Check environment (SMOOAI_CONFIG_ENV).';
const API = 'Check apiUrl (SMOOAI_CONFIG_API_URL): it must be the base URL of a config API.';

fakeTimersInEach();

async function messageOf(request: ApiRequest, status: number, message?: string): Promise<string> {
  const body = message === undefined ? '<html>' : JSON.stringify({ message });
  const { requester } = setUpRequester([new Response(body, { status })]);
  const error = await failureOf(requester.json(request));
  expect(error).toMatchObject({ code: 'ERR_REQUEST_REJECTED', status });
  return error.message;
}

describe('the error of a refusal names the setting to check', () => {
  it.each<[number, string | undefined, ApiRequest, string]>([
    [403, 'The credential belongs to another organization.', values, ORGANIZATION],
    [404, 'Unknown organisation', values, ORGANIZATION],
    [403, 'This client may not use the environment "production".', values, ENVIRONMENT],
    [404, 'The environment "production" does not exist.', value, ENVIRONMENT],
    [404, undefined, values, API],
    [404, 'Not Found', schemas, API],
    [404, 'The endpoint GET /x/organizations/o-1/config/environments does not exist.', value, API],
  ])('%d %s', async (status, message, request, advice) => {
    const text = await messageOf(request, status, message);
    const words = message === undefined ? '' : `: ${message.replace(/\.?$/, '')}`;
    expect(text.endsWith(` returned ${status}${words}. ${advice}`), text).toBe(true);
  });

  it('or both, if a 403 says nothing', async () => {
    expect(await messageOf(values, 403)).toMatch(
      / returned 403\. Check organizationId \(SMOOAI_CONFIG_ORG_ID\), environment \(SMOOAI_CONFIG_ENV\) and what this client may do\.$/,
    );
  });

  it.each<[number, string, ApiRequest]>([
    [403, 'The credential lacks the scope config:write.', values],
    [404, 'The key "theme" has no value in "production".', value],
    [404, 'An environment with the id "e-1" does not exist.', environment],
    [409, 'The environment is used by another organization.', values],
  ])('and none if it is about something else: %d %s', async (status, message, request) => {
    expect(await messageOf(request, status, message)).toMatch(new RegExp(`${status}: ${message}$`));
  });
});
