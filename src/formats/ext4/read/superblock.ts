import type { NameHashing } from '../disk/half-md4.ts';
import { superblock as at } from '../disk/superblock.ts';
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
  readonly lastOrphan: number;
  /** How names are hashed for the indexes of directories. */
  readonly nameHashing: NameHashing;
  readonly journalBackupType: number;
  readonly descriptorSize: number;
  readonly journalBackup: Uint8Array;
  readonly minExtraSize: number;
  readonly wantExtraSize: number;
  readonly logGroupsPerFlex: number;
  readonly checksumType: number;
  readonly backupGroups: readonly [number, number];
  readonly checksumSeed: number;
  /** Inodes without a name that are files of the file system itself, beside those with a fixed number. */
  readonly ownFiles: readonly number[];
  readonly checksum: number;
}

/** The bit of `s_flags` for names that are hashed as unsigned characters. */
const unsignedCharacters = 2;

/** Fields that are read and never written: `s_backup_bgs` (sparse_super2), `s_prj_quota_inum` and `s_orphan_file_inum`. */
const backupGroupsAt = 0x24c;
const projectQuotaAt = 0x26c;
const orphanFileAt = 0x280;

/** Reads the 1024 bytes of a superblock. Old revisions have fixed values where new ones have fields. */
export function parseSuperblock(bytes: Uint8Array): Superblock {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u16 = (offset: number): number => view.getUint16(offset, true);
  const u32 = (offset: number): number => view.getUint32(offset, true);
  const part = (offset: number, length: number): Uint8Array => bytes.subarray(offset, offset + length);
  const words = { compat: u32(at.featureCompat), incompat: u32(at.featureIncompat), roCompat: u32(at.featureRoCompat) };
  const features = new Set(featureNames(words));
  const wide = features.has('64bit');
  const count = (low: number, high: number): number => u32(low) + (wide ? u32(high) * 2 ** 32 : 0);
  const revision = u32(at.revision);
  return {
    bytes,
    words,
    features,
    inodes: u32(at.inodesCount),
    blocks: count(at.blocksCountLow, at.blocksCountHigh),
    reservedBlocks: count(at.reservedBlocksLow, at.reservedBlocksHigh),
    freeBlocks: count(at.freeBlocksLow, at.freeBlocksHigh),
    freeInodes: u32(at.freeInodes),
    firstDataBlock: u32(at.firstDataBlock),
    logBlockSize: u32(at.logBlockSize),
    logClusterSize: u32(at.logClusterSize),
    blocksPerGroup: u32(at.blocksPerGroup),
    clustersPerGroup: u32(at.clustersPerGroup),
    inodesPerGroup: u32(at.inodesPerGroup),
    magic: u16(at.magic),
    state: u16(at.state),
    revision,
    firstInode: revision === 0 ? 11 : u32(at.firstInode),
    inodeSize: revision === 0 ? 128 : u16(at.inodeSize),
    groupNumber: u16(at.blockGroup),
    uuid: part(at.uuid, 16),
    label: part(at.volumeName, 16),
    reservedDescriptorBlocks: u16(at.reservedGdtBlocks),
    journalUuid: part(at.journalUuid, 16),
    journalInode: u32(at.journalInode),
    lastOrphan: u32(at.lastOrphan),
    nameHashing: {
      seed: [0, 4, 8, 12].map((offset) => u32(at.hashSeed + offset)),
      characters: (u32(at.flags) & unsignedCharacters) === 0 ? 'signed' : 'unsigned',
    },
    journalBackupType: view.getUint8(at.journalBackupType),
    descriptorSize: wide ? u16(at.descriptorSize) : 32,
    journalBackup: part(at.journalBlocks, 68),
    minExtraSize: u16(at.minExtraIsize),
    wantExtraSize: u16(at.wantExtraIsize),
    logGroupsPerFlex: view.getUint8(at.logGroupsPerFlex),
    checksumType: view.getUint8(at.checksumType),
    backupGroups: [u32(backupGroupsAt), u32(backupGroupsAt + 4)],
    checksumSeed: u32(at.checksumSeed),
    ownFiles: [
      ...(features.has('orphan_file') ? [u32(orphanFileAt)] : []),
      ...(features.has('quota') ? [u32(projectQuotaAt)] : []),
    ],
    checksum: u32(at.checksum),
  };
}
