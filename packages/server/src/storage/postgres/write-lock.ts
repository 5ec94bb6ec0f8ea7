/** The key of the advisory lock that one writer of a database holds at a time, in all processes: "SmCf". */
export const WRITE_LOCK = 0x536d4366;
