/** Names of the bits of the three feature words, as mke2fs has them. */
const names = {
  compat: {
    0x1: 'dir_prealloc',
    0x2: 'imagic_inodes',
    0x4: 'has_journal',
    0x8: 'ext_attr',
    0x10: 'resize_inode',
    0x20: 'dir_index',
    0x40: 'lazy_bg',
    0x80: 'snapshot',
    0x100: 'exclude_bitmap',
    0x200: 'sparse_super2',
    0x400: 'fast_commit',
    0x800: 'stable_inodes',
    0x1000: 'orphan_file',
  },
  incompat: {
    0x1: 'compression',
    0x2: 'filetype',
    0x4: 'needs_recovery',
    0x8: 'journal_dev',
    0x10: 'meta_bg',
    0x40: 'extent',
    0x80: '64bit',
    0x100: 'mmp',
    0x200: 'flex_bg',
    0x400: 'ea_inode',
    0x1000: 'dirdata',
    0x2000: 'metadata_csum_seed',
    0x4000: 'large_dir',
    0x8000: 'inline_data',
    0x10000: 'encrypt',
    0x20000: 'casefold',
  },
  roCompat: {
    0x1: 'sparse_super',
    0x2: 'large_file',
    0x4: 'btree_dir',
    0x8: 'huge_file',
    0x10: 'uninit_bg',
    0x20: 'dir_nlink',
    0x40: 'extra_isize',
    0x80: 'has_snapshot',
    0x100: 'quota',
    0x200: 'bigalloc',
    0x400: 'metadata_csum',
    0x800: 'replica',
    0x1000: 'read-only',
    0x2000: 'project',
    0x4000: 'shared_blocks',
    0x8000: 'verity',
    0x10000: 'orphan_present',
  },
} as const;

/** What changes how an image is laid out so that it would be read wrongly. */
const notRead = new Set(
  ['compression', 'journal_dev', 'meta_bg', 'mmp', 'ea_inode', 'dirdata', 'inline_data', 'encrypt', 'casefold'].concat([
    'needs_recovery',
    'has_snapshot',
    'bigalloc',
    'replica',
    'orphan_present',
    'shared_blocks',
    'btree_dir',
  ]),
);

/** The three feature words of a superblock. */
export interface FeatureWords {
  readonly compat: number;
  readonly incompat: number;
  readonly roCompat: number;
}

/** All features that are on, by name; unknown bits as `incompat_0x80000` and the like. */
export function featureNames(words: FeatureWords): readonly string[] {
  return (['compat', 'incompat', 'roCompat'] as const).flatMap((word) => {
    const known: Readonly<Record<number, string>> = names[word];
    return Array.from({ length: 32 }, (_, bit) => 2 ** bit)
      .filter((flag) => (words[word] & flag) !== 0)
      .map((flag) => known[flag] ?? `${word === 'roCompat' ? 'ro_compat' : word}_0x${flag.toString(16)}`);
  });
}

/** Those of the features that this reader cannot take; a compat bit that is unknown changes nothing for readers. */
export function unreadFeatures(features: Iterable<string>): readonly string[] {
  return [...features].filter((name) => notRead.has(name) || /^(?:incompat|ro_compat)_0x/.test(name));
}
