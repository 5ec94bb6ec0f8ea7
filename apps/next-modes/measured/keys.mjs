/** The flags of the measured pages. */
export const FLAG_KEYS = Array.from({ length: 100 }, (_, index) => `flag${index}`);
