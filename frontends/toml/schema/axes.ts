/** The axes a matrix can have, in the order in which cells name them. */
export const axisNames = ['architecture', 'substrate', 'protection_mode'] as const;
