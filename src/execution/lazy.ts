import type { Executor } from './executor.ts';

/** An executor that is opened by the first command: a build in which none runs does not pay for it. */
export function createLazyExecutor(open: () => Promise<Executor & AsyncDisposable>): Executor & AsyncDisposable {
  let opened: Promise<Executor & AsyncDisposable> | undefined;
  return {
    async run(command, context) {
      context.signal.throwIfAborted();
      const executor = await (opened ??= open());
      return executor.run(command, context);
    },
    async [Symbol.asyncDispose]() {
      const executor = await opened?.catch(() => undefined);
      await executor?.[Symbol.asyncDispose]();
    },
  };
}
