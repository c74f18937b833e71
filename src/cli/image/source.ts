import { tmpdir } from 'node:os';
import { addAbortSignal } from 'node:stream';
import { loadTree } from '../../images/load.ts';
import type { LoadedTree, LoadWorld, Source } from '../../images/load.ts';
import { lazyUnxz } from '../../wiring.ts';

/** The tree of a directory, archive, layout or image of this machine; what must be kept meanwhile is in TMPDIR. */
export function treeFrom(source: Source & { readonly xattrs?: boolean }, signal: AbortSignal): Promise<LoadedTree> {
  const path = process.env['PATH'] ?? '';
  const world = {
    scratch: tmpdir(),
    unxz: lazyUnxz(path),
    platform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
    ...(source.xattrs === true && { xattrs: xattrsWith(path) }),
    stdin: () => addAbortSignal(signal, process.stdin),
  };
  return loadTree(source, world, signal);
}

function xattrsWith(path: string): NonNullable<LoadWorld['xattrs']> {
  return async (directory, signal) => {
    const [{ runProgram: run }, { readXattrs }] = await Promise.all([
      import('../../ops/run-program.ts'),
      import('../../images/xattrs.ts'),
    ]);
    return readXattrs(directory, { run, path }, signal);
  };
}
