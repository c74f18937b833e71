import { printable } from '../../base/printable.ts';
import { autoFace } from '../../faces/choose.ts';
import { plainTransfers, silentTransfers, ttyTransfers } from '../../faces/transfer.ts';
import type { Transfer, TransferFace } from '../../faces/transfer.ts';
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

/** The content of a file that is taken from a registry, and on a terminal a bar of how far it is. */
export async function* watchFile(
  content: AsyncIterable<Uint8Array>,
  { name, size }: { readonly name: string; readonly size: number },
  { options }: Pick<Invocation, 'options'>,
): AsyncGenerator<Uint8Array> {
  const face = faceFor(flag(options, 'quiet') || flag(options, 'json'));
  try {
    yield* countedIn(face, { id: printable(name.slice(0, 60).toWellFormed()), total: size }, content);
  } finally {
    face.end();
  }
}

/** Tells a face how much of something has passed. */
export async function* countedIn(
  face: Pick<TransferFace, 'take'>,
  of: Pick<Transfer, 'id' | 'total'>,
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  face.take({ ...of, state: 'begun', bytes });
  for await (const chunk of content) {
    bytes += chunk.length;
    face.take({ ...of, state: 'progress', bytes });
    yield chunk;
  }
}

function faceFor(silent: boolean): TransferFace {
  if (silent) return silentTransfers;
  const { env, stderr } = process;
  const { write, size, clock } = terminal();
  const kind = autoFace({ isTty: stderr.isTTY, ci: env['CI'], term: env['TERM'] });
  return kind === 'tty' ? ttyTransfers({ write, size, clock }) : plainTransfers(write);
}
