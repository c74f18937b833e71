/** Ends a switch over a closed union: a new member is a type error here, and a foreign value a bug at run time. */
export function never(value: never): never {
  throw new Error(`Unexpected value ${JSON.stringify(value)}`);
}
