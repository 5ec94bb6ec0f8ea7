/** The same flags, users and rules for every candidate. */

export const FLAG_COUNT = 1_000;
export const SHARE_PERCENT = 50;
export const COUNTRIES = ['NL', 'DE', 'FR', 'US'];

/** Raw flags: on, on, off, on, … */
export const RAW_FLAGS = Array.from({ length: FLAG_COUNT }, (_, index) => ({
  key: `raw${index}`,
  value: index % 3 !== 2,
}));

/** Flags with one rule: half of the users of one country. */
export const RULE_FLAGS = Array.from({ length: FLAG_COUNT }, (_, index) => ({
  key: `rule${index}`,
  country: COUNTRIES[index % 4],
}));

/** Read in turn, so that no call reads the same as the one before. The lengths have no common divisor. */
export const READ_FLAGS = 63;
export const USERS = Array.from({ length: 1_024 }, (_, index) => ({
  userId: `user-${(index * 7_919) % 1_000_000}`,
  country: COUNTRIES[(index * 5) % 4],
  plan: ['free', 'pro'][index % 2],
}));

/** Flags with three rules: one of two countries, one plan, and half of the users of a third country. */
export const MANY_FLAGS = Array.from({ length: 10_000 }, (_, index) => ({
  key: `many${index}`,
  countries: [COUNTRIES[index % 4], COUNTRIES[(index + 1) % 4]],
  plan: `plan${index % 7}`,
  partCountry: COUNTRIES[(index + 2) % 4],
}));
