import { PortkitError } from '../../base/errors.ts';

/** Errors that say already where they happened; the others of a copy end with the one that came first. */
const told = new WeakSet<Error>();

/** Does work at one of the two sides; an error that a user can meet says which one it was. */
export async function at<T>(side: 'source' | 'target', shown: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw blamed(error, { side, shown });
  }
}

/** The error with the side at which it happened. */
export function blamed(error: unknown, { side, shown }: { readonly side: 'source' | 'target'; readonly shown: string }): unknown {
  if (!(error instanceof PortkitError) || error.code === 'PK9001' || told.has(error)) return error;
  const said = new PortkitError(error.code, `At the ${side}, ${shown}: ${error.message}`, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error,
  });
  told.add(said);
  return said;
}
