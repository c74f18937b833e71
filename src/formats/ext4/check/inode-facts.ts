import type { FileSystem } from '../read/file-system.ts';

/** What is kept of every inode that is in use, in a few bytes each; a group without any takes no memory. */
export interface InodeFacts {
  /** Notes an inode as used. */
  add(inode: number, fact: { readonly type: number; readonly links: number }): void;
  /** Notes an inode as reserved: it is in use whatever is in it. */
  reserve(inode: number): void;
  /** The type bits of a used inode; 0 when it is not in use, or reserved and empty. */
  typeOf(inode: number): number;
  linksOf(inode: number): number;
  isUsed(inode: number): boolean;
  /** Is any inode of a group in use? */
  inGroup(group: number): boolean;
  /** Counts one name of an inode. */
  addName(inode: number): void;
  namesOf(inode: number): number;
  /** All used inodes in order. */
  all(): Generator<number>;
}

interface GroupFacts {
  readonly kinds: Uint8Array;
  readonly links: Uint16Array;
  readonly names: Uint32Array;
}

const reserved = 0x10;

/** No inode is in use yet. */
export function inodeFacts({ geometry }: FileSystem): InodeFacts {
  const perGroup = geometry.inodesPerGroup;
  const groups = new Map<number, GroupFacts>();
  const known = (inode: number): GroupFacts | undefined => groups.get(Math.floor((inode - 1) / perGroup));
  const indexOf = (inode: number): number => (inode - 1) % perGroup;

  function factsFor(inode: number): GroupFacts {
    const facts = known(inode) ?? {
      kinds: new Uint8Array(perGroup),
      links: new Uint16Array(perGroup),
      names: new Uint32Array(perGroup),
    };
    groups.set(Math.floor((inode - 1) / perGroup), facts);
    return facts;
  }

  return {
    add(inode, { type, links }) {
      const facts = factsFor(inode);
      facts.kinds[indexOf(inode)] = reserved | (type >>> 12);
      facts.links[indexOf(inode)] = links;
    },
    reserve(inode) {
      const facts = factsFor(inode);
      facts.kinds[indexOf(inode)] = reserved | (facts.kinds[indexOf(inode)] ?? 0);
    },
    typeOf: (inode) => ((known(inode)?.kinds[indexOf(inode)] ?? 0) & 0xf) << 12,
    linksOf: (inode) => known(inode)?.links[indexOf(inode)] ?? 0,
    isUsed: (inode) => (known(inode)?.kinds[indexOf(inode)] ?? 0) !== 0,
    inGroup: (group) => groups.has(group),
    addName(inode) {
      const facts = factsFor(inode);
      facts.names[indexOf(inode)] = (facts.names[indexOf(inode)] ?? 0) + 1;
    },
    namesOf: (inode) => known(inode)?.names[indexOf(inode)] ?? 0,
    *all() {
      for (const group of [...groups.keys()].toSorted((a, b) => a - b)) {
        const { kinds } = groups.get(group)!;
        for (const [index, kind] of kinds.entries()) if (kind !== 0) yield group * perGroup + index + 1;
      }
    },
  };
}
