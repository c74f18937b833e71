import { printable } from '../../base/printable.ts';
import { autoFace } from '../../faces/choose.ts';
import { plainTransfers, silentTransfers, ttyTransfers } from '../../faces/transfer.ts';
import type { TransferFace } from '../../faces/transfer.ts';
import type { CopyEvent } from '../../oci/copy/events.ts';
import type { Invocation } from '../command.ts';
import { flag } from '../values.ts';
import { terminal } from '../watch.ts';

/** Shows copying on standard error: bars on a terminal, lines elsewhere, nothing with --quiet or --json. */
export function watchCopy({
  options,
}: Pick<Invocation, 'options'>): Disposable & { readonly onEvent: (event: CopyEvent) => void } {
  const face = faceFor(flag(options, 'quiet') || flag(options, 'json'));
  return {
    onEvent: ({ descriptor: { digest, size, annotations }, state, bytes }) => {
      const title = annotations?.['org.opencontainers.image.title'];
      const id = `${digest.slice(0, 19)}${title === undefined ? '' : ` ${printable(title.slice(0, 40).toWellFormed())}`}`;
      face.take({ id, state, bytes, total: size });
    },
    [Symbol.dispose]: () => face.end(),
  };
}

function faceFor(silent: boolean): TransferFace {
  if (silent) return silentTransfers;
  const { env, stderr } = process;
  const { write, size, clock } = terminal();
  const kind = autoFace({ isTty: stderr.isTTY, ci: env['CI'], term: env['TERM'] });
  return kind === 'tty' ? ttyTransfers({ write, size, clock }) : plainTransfers(write);
}
