import { tmpdir } from 'node:os';
import { addAbortSignal } from 'node:stream';
import { loadTree } from '../../images/load.ts';
import type { LoadedTree, Source } from '../../images/load.ts';
import { lazyUnxz } from '../../wiring.ts';

/** The tree of a directory, archive, layout or image of this machine; what must be kept meanwhile is in TMPDIR. */
export function treeFrom(source: Source, signal: AbortSignal): Promise<LoadedTree> {
  const world = {
    scratch: tmpdir(),
    unxz: lazyUnxz(process.env['PATH'] ?? ''),
    platform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
    stdin: () => addAbortSignal(signal, process.stdin),
  };
  return loadTree(source, world, signal);
}
