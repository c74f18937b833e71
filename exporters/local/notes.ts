import { join } from 'node:path';
import type { Receipt } from '../../src/artifacts/exporter.ts';
import { showBytes } from '../../src/base/byte-string.ts';
import { showPath } from '../../src/store/trees/path.ts';
import { placeOf } from '../files/layout.ts';
import type { Placed } from '../files/layout.ts';
import { startTally } from '../files/tally.ts';
import type { LocalExport } from './export.ts';

/** Gathers what the receipt says. */
export interface Notes {
  add(placed: Placed): void;
  receipt(files: { readonly written: number; readonly unchanged: number }): Receipt;
}

/** So many paths are named in a warning. */
const shown = 3;

/** Begins to gather. */
export function startNotes({ dest, targets, keepOwner }: LocalExport): Notes {
  const tally = startTally(targets);
  const special: string[] = [];
  const withAttributes: string[] = [];
  const setId: string[] = [];
  return {
    add(placed) {
      const { item } = placed;
      tally.add(placed);
      const path = showPath(placed.path);
      if (item.type === 'char' || item.type === 'block' || item.type === 'fifo') special.push(path);
      if (item.xattrs.length > 0) withAttributes.push(path);
      if (!keepOwner && item.type === 'file' && (item.mode & 0o6000) !== 0) setId.push(path);
    },
    receipt: (files) => ({
      type: 'local',
      destination: dest,
      exported: tally.exported((target) => join(dest, showBytes(placeOf(target, targets)))),
      ...files,
      warnings: [
        ...warning(special, 'devices and FIFOs were not written'),
        ...warning(withAttributes, 'extended attributes were not written'),
        ...warning(setId, 'set-user-id and set-group-id bits were not kept'),
      ],
    }),
  };
}

function warning(paths: readonly string[], what: string): readonly string[] {
  if (paths.length === 0) return [];
  const more = paths.length > shown ? ` and ${paths.length - shown} more` : '';
  return [`${what}: ${paths.slice(0, shown).join(', ')}${more} (type=tar keeps them)`];
}
