/** Steps of one graph. */
export const maxVertices = 200_000;

/** Bytes of one definition, in whatever form it comes. */
export const maxDefinitionBytes = 64 << 20;

/** Single values in a binary definition: a few bytes can ask for a large object in memory. */
export const maxFields = 8_000_000;
