/** What every candidate is given: the same flags, the same users, the same rule. */

export const FLAG_COUNT = 1_000;
export const SHARE_PERCENT = 50;

/** Raw flags: on, on, off, on, … */
export const RAW_FLAGS = Array.from({ length: FLAG_COUNT }, (_, index) => ({
  key: `raw${index}`,
  value: index % 3 !== 2,
}));

/** Flags with one rule: half of the users of one country. */
export const RULE_FLAGS = Array.from({ length: FLAG_COUNT }, (_, index) => ({
  key: `rule${index}`,
  country: ['NL', 'DE', 'FR', 'US'][index % 4],
}));

/** Read in turn, so that no call reads what the one before has read. The lengths share no divisor. */
export const READ_FLAGS = 63;
export const USERS = Array.from({ length: 1_024 }, (_, index) => ({
  userId: `user-${(index * 7_919) % 1_000_000}`,
  country: ['NL', 'DE', 'FR', 'US'][(index * 5) % 4],
  plan: ['free', 'pro'][index % 2],
}));
