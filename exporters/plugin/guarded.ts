import type { Exporter, Prepared } from '../../src/artifacts/exporter.ts';
import { codes, PortkitError } from '../../src/base/errors.ts';
import type { ErrorCode } from '../../src/base/errors.ts';
import { systemReason } from '../../src/base/system-reason.ts';

/** An exporter whose every failure has a code; being cancelled is none, and passes as it is. */
export function guarded(exporter: Exporter, from: string): Exporter {
  async function calling<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw signal.aborted ? signal.reason : coded(error, from);
    }
  }
  return {
    check(targets) {
      try {
        exporter.check(targets);
      } catch (error) {
        throw coded(error, from);
      }
    },
    async prepare(targets, context): Promise<Prepared> {
      const prepared = await calling(context.signal, () => exporter.prepare(targets, context));
      return {
        publish: (signal) => calling(signal, () => prepared.publish(signal)),
        [Symbol.dispose]: () => prepared[Symbol.dispose](),
      };
    },
  };
}

/** An error of a plugin as one of ours: by its `code` when that is one of ours, else PK4107. */
export function coded(error: unknown, from: string): PortkitError {
  if (error instanceof PortkitError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const { code, hint } = typeof error === 'object' && error !== null ? (error as { code?: unknown; hint?: unknown }) : {};
  const more = { ...(typeof hint === 'string' && { hint }), cause: error };
  if (typeof code === 'string' && isCode(code)) return new PortkitError(code, message, more);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const said = `The exporter ${JSON.stringify(from)} cannot write: ${systemReason(error)}`;
    return new PortkitError('PK2007', said, { hint: 'Free space where it writes', cause: error });
  }
  return new PortkitError('PK4107', `The exporter ${JSON.stringify(from)} failed: ${message}`, more);
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(codes, code);
}
