import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { Ref } from '../../base/ref.ts';
import { decodeNode } from '../trees/decode.ts';
import { readWhole } from './read.ts';
import { findRow } from './rows.ts';
import type { State } from './state.ts';

/**
 * Everything reachable from some refs that is not in `known` yet, each once. Trees are read through their nodes; a node
 * that is gone or damaged keeps nothing alive: whoever needs it runs again.
 */
export function markFrom(state: State, refs: readonly Ref[], known: ReadonlySet<Digest>): readonly Digest[] {
  const found = new Set<Digest>();
  const pending = [...refs];
  for (let ref = pending.pop(); ref !== undefined; ref = pending.pop()) {
    if (found.has(ref.digest) || known.has(ref.digest)) continue;
    found.add(ref.digest);
    if (ref.kind === 'tree') pending.push(...children(state, ref.digest));
  }
  return [...found];
}

function children(state: State, digest: Digest): readonly Ref[] {
  const row = findRow(state.index, digest);
  const bytes = row === undefined ? undefined : soundBytes(() => readWhole(state, row));
  if (bytes === undefined) return [];
  const refs: Ref[] = [];
  for (const entry of decodeNode(bytes, digest).entries) {
    if (entry.type === 'dir') refs.push({ kind: 'tree', digest: entry.node });
    else if (entry.type === 'file') refs.push({ kind: 'blob', digest: entry.content });
  }
  return refs;
}

function soundBytes(read: () => Uint8Array | undefined): Uint8Array | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof PortkitError && error.code === 'PK2001') return undefined;
    throw error;
  }
}
