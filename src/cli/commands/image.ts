import { setFlagsFromString } from 'node:v8';
import { PortkitError } from '../../base/errors.ts';
import { checkImage } from '../image/check.ts';
import { diffImages, inspectImage } from '../image/look.ts';
import { extractTar, makeCpio, makeErofsImage, makeExt4, makeSquashfsImage, makeTar, makeVfatImage } from '../image/make.ts';
import type { Command, Invocation } from '../command.ts';
import { chooseVerb } from '../verbs.ts';

interface Verb {
  readonly options: readonly string[];
  /** The words it takes. */
  readonly takes: 'FROM' | 'A B';
  run(words: readonly [string, string], invocation: Invocation): Promise<number>;
}

const adjusting = ['owner', 'time'];
const reading = ['reference', 'partition', 'xattrs'];

const verbs: Readonly<Record<string, Verb>> = {
  ext4: {
    takes: 'FROM',
    options: ['output', ...adjusting, ...reading, 'profile', 'size', 'headroom', 'label', 'uuid', 'sparse'],
    run: ([from], invocation) => makeExt4([from], invocation),
  },
  cpio: {
    takes: 'FROM',
    options: ['output', ...adjusting, ...reading, 'compress'],
    run: ([from], invocation) => makeCpio([from], invocation),
  },
  tar: {
    takes: 'FROM',
    options: ['output', ...adjusting, ...reading],
    run: ([from], invocation) => makeTar([from], invocation),
  },
  squashfs: {
    takes: 'FROM',
    options: ['output', ...adjusting, ...reading, 'compress'],
    run: ([from], invocation) => makeSquashfsImage([from], invocation),
  },
  erofs: {
    takes: 'FROM',
    options: ['output', ...adjusting, ...reading, 'compress', 'uuid'],
    run: ([from], invocation) => makeErofsImage([from], invocation),
  },
  vfat: {
    takes: 'FROM',
    options: ['output', 'time', ...reading, 'size', 'label', 'serial'],
    run: ([from], invocation) => makeVfatImage([from], invocation),
  },
  inspect: {
    takes: 'FROM',
    options: ['json', 'tree', ...reading],
    run: ([from], invocation) => inspectImage([from], invocation),
  },
  check: { takes: 'FROM', options: ['json', 'kernel', 'kconfig'], run: ([file], invocation) => checkImage([file], invocation) },
  diff: { takes: 'A B', options: ['json', 'reference'], run: diffImages },
  extract: {
    takes: 'FROM',
    options: ['tar', 'output', ...adjusting, ...reading],
    run: ([from], invocation) => extractTar([from], invocation),
  },
};

/** `portkit image …`: images of trees, made and looked into. */
export const image: Command = {
  usage: 'image ext4|cpio|tar|squashfs|erofs|vfat FROM -o OUT | inspect FROM | check FILE | diff A B | extract FROM --tar OUT',
  about: [
    'FROM is a directory, a tar or cpio (compressed or not, - is standard input), an OCI layout (DIR or\noci:DIR[:TAG]), an ext4 image, or a partition of a disk image.',
    'ext4      a root file system as a disk image',
    'cpio      an initrd',
    'tar       a tar',
    'squashfs  an image that is only read, by mksquashfs',
    'erofs     an image that is only read, by mkfs.erofs',
    'vfat      a FAT image such as an EFI system partition, by mtools',
    'inspect   what it is and what is in it',
    'check     exit 7 if something is wrong with an ext4 image or an initrd, and what',
    'diff      exit 1 if two differ, and how',
    'extract   what is in it as a tar, or with --partition and -o the bytes of a partition',
  ].join('\n'),
  words: 3,
  options: {
    output: { type: 'string', short: 'o', value: 'OUT', help: 'the file to write, whole or not at all' },
    tar: { type: 'string', value: 'OUT', help: 'extract: the tar to write' },
    profile: { type: 'string', value: 'NAME', help: 'ext4: plain (as usual), csum, journal or csum-journal' },
    size: { type: 'string', value: 'SIZE', help: 'ext4, vfat: the exact size; else as small as it can be, with headroom' },
    headroom: { type: 'string', value: 'SIZE', help: 'ext4: free space, 64MiB or 10%' },
    label: { type: 'string', value: 'TEXT', help: 'ext4: the label, at most 16 bytes; vfat: 11' },
    uuid: { type: 'string', value: 'UUID', help: 'ext4, erofs: the UUID; else derived from the tree' },
    serial: { type: 'string', value: 'HEX', help: 'vfat: the serial number; else derived from the tree' },
    sparse: { type: 'boolean', help: 'ext4: zeros become holes of the files; everything is read once more' },
    compress: {
      type: 'string',
      value: 'NAME',
      help: 'cpio: none, gzip, zstd, xz or lz4; squashfs: gzip, zstd, xz or lz4; erofs: none, lz4 or lz4hc',
    },
    owner: { type: 'string', value: 'UID:GID', help: 'the owner of everything' },
    time: { type: 'string', value: 'SECONDS', help: 'the time of everything, since 1970' },
    reference: { type: 'string', value: 'NAME', help: 'the image that is meant, of an OCI layout with several' },
    partition: { type: 'string', value: 'N', help: 'the partition that is meant, of a disk that has them' },
    xattrs: { type: 'boolean', help: 'with the extended attributes of a directory, read by getfattr' },
    kernel: { type: 'string', value: 'FILE', help: 'check: the kernel that shall unpack the initrd' },
    kconfig: { type: 'string', value: 'FILE', help: 'check: what it was built with, when it has no IKCONFIG inside' },
    tree: { type: 'boolean', help: 'inspect: every entry' },
    json: { type: 'boolean', help: 'inspect, check, diff: print the result as JSON' },
  },
  async run(invocation) {
    const verb = chooseVerb({ command: 'image', verbs, common: [] }, invocation);
    const [name, first = '', second = ''] = invocation.words;
    const wanted = verb.takes === 'FROM' ? 2 : 3;
    if (first === '' || (wanted === 3 && second === '') || invocation.words.length > wanted)
      throw new PortkitError('PK1001', `"portkit image ${name}" takes ${verb.takes}`, { hint: 'Run "portkit help image"' });
    // Entries of a large tree stay, and what else there is passes at once: a growing place for the young would only be
    // filled, which takes 30 to 120 MB and no less time.
    setFlagsFromString('--semi-space-growth-factor=1');
    return verb.run([first, second], invocation);
  },
};
