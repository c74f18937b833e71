import { constants } from 'node:os';
import { PortkitError } from '../base/errors.ts';

const names = ['SIGINT', 'SIGTERM'] as const;

/** What became of the wish of the user or the system to end the program. */
interface Cancellation {
  readonly signal: AbortSignal;
  /** The exit status of a program ended by the signal that came (130 or 143); undefined when none has. */
  status(): number | undefined;
}

/** Cancels at the first SIGINT or SIGTERM. A second one of either finds no listener: the system ends the program at once. */
export function cancelOnSignals(): Cancellation {
  const controller = new AbortController();
  let status: number | undefined;
  function cancel(name: NodeJS.Signals): void {
    for (const each of names) process.removeListener(each, cancel);
    status = 128 + constants.signals[name];
    controller.abort(new PortkitError('PK9001', `Cancelled by ${name}`));
  }
  for (const each of names) process.on(each, cancel);
  return { signal: controller.signal, status: () => status };
}
