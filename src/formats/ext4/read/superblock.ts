import type { FeatureWords } from './features.ts';
import { featureNames } from './features.ts';

/** The superblock as plain data; nothing of it is checked yet. */
export interface Superblock {
  readonly bytes: Uint8Array;
  readonly words: FeatureWords;
  readonly features: ReadonlySet<string>;
  readonly inodes: number;
  readonly blocks: number;
  readonly reservedBlocks: number;
  readonly freeBlocks: number;
  readonly freeInodes: number;
  readonly firstDataBlock: number;
  readonly logBlockSize: number;
  readonly logClusterSize: number;
  readonly blocksPerGroup: number;
  readonly clustersPerGroup: number;
  readonly inodesPerGroup: number;
  readonly magic: number;
  readonly state: number;
  readonly revision: number;
  readonly firstInode: number;
  readonly inodeSize: number;
  readonly groupNumber: number;
  readonly uuid: Uint8Array;
  readonly label: Uint8Array;
  readonly reservedDescriptorBlocks: number;
  readonly journalUuid: Uint8Array;
  readonly journalInode: number;
  readonly journalDevice: number;
  readonly lastOrphan: number;
  readonly hashVersion: number;
  readonly journalBackupType: number;
  readonly descriptorSize: number;
  readonly journalBackup: Uint8Array;
  readonly minExtraSize: number;
  readonly wantExtraSize: number;
  readonly logGroupsPerFlex: number;
  readonly checksumType: number;
  readonly backupGroups: readonly [number, number];
  readonly checksumSeed: number;
  readonly orphanFile: number;
  readonly checksum: number;
}

/** How many bytes a superblock has, and where the first one is. */
export const superblockSize = 1024;

/** Reads the 1024 bytes of a superblock. Old revisions have fixed values where new ones have fields. */
export function parseSuperblock(bytes: Uint8Array): Superblock {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u16 = (at: number): number => view.getUint16(at, true);
  const u32 = (at: number): number => view.getUint32(at, true);
  const words = { compat: u32(92), incompat: u32(96), roCompat: u32(100) };
  const features = new Set(featureNames(words));
  const wide = features.has('64bit');
  const count = (low: number, high: number): number => u32(low) + (wide ? u32(high) * 2 ** 32 : 0);
  const revision = u32(76);
  return {
    bytes,
    words,
    features,
    inodes: u32(0),
    blocks: count(4, 336),
    reservedBlocks: count(8, 340),
    freeBlocks: count(12, 344),
    freeInodes: u32(16),
    firstDataBlock: u32(20),
    logBlockSize: u32(24),
    logClusterSize: u32(28),
    blocksPerGroup: u32(32),
    clustersPerGroup: u32(36),
    inodesPerGroup: u32(40),
    magic: u16(56),
    state: u16(58),
    revision,
    firstInode: revision === 0 ? 11 : u32(84),
    inodeSize: revision === 0 ? 128 : u16(88),
    groupNumber: u16(90),
    uuid: bytes.subarray(104, 120),
    label: bytes.subarray(120, 136),
    reservedDescriptorBlocks: u16(206),
    journalUuid: bytes.subarray(208, 224),
    journalInode: u32(224),
    journalDevice: u32(228),
    lastOrphan: u32(232),
    hashVersion: view.getUint8(252),
    journalBackupType: view.getUint8(253),
    descriptorSize: wide ? u16(254) : 32,
    journalBackup: bytes.subarray(268, 336),
    minExtraSize: u16(348),
    wantExtraSize: u16(350),
    logGroupsPerFlex: view.getUint8(372),
    checksumType: view.getUint8(373),
    backupGroups: [u32(588), u32(592)],
    checksumSeed: u32(624),
    orphanFile: u32(640),
    checksum: u32(1020),
  };
}
