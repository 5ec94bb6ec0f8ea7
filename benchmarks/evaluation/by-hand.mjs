import { RAW_FLAGS, RULE_FLAGS, SHARE_PERCENT, USERS } from './workload.mjs';

/** The floor: code written by hand for exactly these flags, without a library. */
export function byHand() {
  const raw = new Map(RAW_FLAGS.map(({ key, value }) => [key, value]));
  const rules = new Map(
    RULE_FLAGS.map(({ key, country }) => [
      key,
      (user) => user.country === country && bucketOf(key, user) < SHARE_PERCENT * 100,
    ]),
  );
  const details = new Map(
    RULE_FLAGS.map(({ key, country }) => [key, (user) => explained(key, country, user)]),
  );
  return {
    name: 'by hand',
    raw: (key) => raw.get(key),
    rule: (key, index) => rules.get(key)(USERS[index]),
    details: (key, index) => details.get(key)(USERS[index]),
    toValue: (answer) => answer.value,
  };
}

function explained(key, country, user) {
  if (user.country !== country) return { value: false, source: 'default' };
  const bucket = bucketOf(key, user);
  const isIn = bucket < SHARE_PERCENT * 100;
  const source = isIn ? 'rollout' : 'default';
  return { value: isIn, source, matchedRuleId: 'half', rolloutBucket: Math.floor(bucket / 100) };
}

/** 0 to 9,999. */
export function bucketOf(key, user) {
  return murmur3(`${key}:${user.userId}`) % 10_000;
}

/** murmur3_x86_32 of an ASCII string with seed 0, four characters at a time. */
function murmur3(text) {
  const whole = text.length & ~3;
  let hash = 0;
  for (let index = 0; index < whole; index += 4) {
    const block =
      text.charCodeAt(index) |
      (text.charCodeAt(index + 1) << 8) |
      (text.charCodeAt(index + 2) << 16) |
      (text.charCodeAt(index + 3) << 24);
    hash ^= scramble(block);
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let index = text.length - 1; index >= whole; index--) tail = (tail << 8) | text.charCodeAt(index);
  hash ^= scramble(tail) ^ text.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function scramble(block) {
  const product = Math.imul(block, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
}
