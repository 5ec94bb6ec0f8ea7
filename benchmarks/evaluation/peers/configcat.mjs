import { createConsoleLogger, getClient, LogLevel, PollingMode, User } from '@configcat/sdk';
import { MANY_FLAGS, RAW_FLAGS, RULE_FLAGS, SHARE_PERCENT, USERS } from '../workload.mjs';

const BOOLEAN = 0;
const TEXT_IS_ONE_OF = 0;
const served = (value) => ({ v: { b: value }, i: value ? 'on' : 'off' });
const oneOf = (attribute, ...values) => [{ u: { a: attribute, c: TEXT_IS_ONE_OF, l: values } }];
const partly = (country) => ({
  c: oneOf('Country', country),
  p: [
    { p: SHARE_PERCENT, ...served(true) },
    { p: 100 - SHARE_PERCENT, ...served(false) },
  ],
});
const toUser = ({ userId, country, plan }) => new User(userId, undefined, country, { plan });

/** Its snapshots are synchronous; the client's own reads are asynchronous. */
export async function configCat() {
  const settings = [
    ...RAW_FLAGS.map(({ key, value }) => [key, { t: BOOLEAN, ...served(value) }]),
    ...RULE_FLAGS.map(({ key, country }) => [key, { t: BOOLEAN, r: [partly(country)], ...served(false) }]),
  ];
  const { client, snapshot } = await start(JSON.stringify(configOf(settings)));
  const users = USERS.map(toUser);
  return {
    name: 'ConfigCat, snapshot',
    isPeer: true,
    raw: (key, index) => snapshot.getValue(key, false, users[index]),
    rule: (key, index) => snapshot.getValue(key, false, users[index]),
    details: (key, index) => snapshot.getValueDetails(key, false, users[index]),
    toValue: (details) => details.value,
    close: () => client.dispose(),
  };
}

export function manySettings() {
  const settings = MANY_FLAGS.map(({ key, countries, plan, partCountry }) => {
    const rules = [
      { c: oneOf('Country', ...countries), s: served(true) },
      { c: oneOf('plan', plan), s: served(true) },
      partly(partCountry),
    ];
    return [key, { t: BOOLEAN, r: rules, ...served(false) }];
  });
  return JSON.stringify(configOf(settings));
}

export async function load(text) {
  const { client, snapshot } = await start(text);
  return { owner: [client, snapshot], read: (key, user) => snapshot.getValue(key, false, toUser(user)) };
}

function configOf(settings) {
  return { p: { u: 'http://127.0.0.1', r: 0, s: 'salt' }, f: Object.fromEntries(settings) };
}

/** A client that finds its config in the cache and sends no requests. */
async function start(text) {
  const cached = `${Date.now()}\n\n${text}`;
  const client = getClient(`${'x'.repeat(22)}/${'y'.repeat(22)}`, PollingMode.ManualPoll, {
    cache: { get: () => cached, set() {} },
    offline: true,
    logger: createConsoleLogger(LogLevel.Off),
  });
  await client.waitForReady();
  return { client, snapshot: client.snapshot() };
}
