import { setFlagsFromString } from 'node:v8';
import { PortkitError } from '../../base/errors.ts';
import { checkImage, diffImages, inspectImage } from '../image/look.ts';
import { extractTar, makeCpio, makeExt4, makeTar } from '../image/make.ts';
import type { Command, Invocation } from '../command.ts';
import { chooseVerb } from '../verbs.ts';

interface Verb {
  readonly options: readonly string[];
  /** The words it takes. */
  readonly takes: 'FROM' | 'A B';
  run(words: readonly [string, string], invocation: Invocation): Promise<number>;
}

const adjusting = ['owner', 'time'];

const verbs: Readonly<Record<string, Verb>> = {
  ext4: {
    takes: 'FROM',
    options: ['output', ...adjusting, 'reference', 'profile', 'size', 'headroom', 'label', 'uuid'],
    run: ([from], invocation) => makeExt4([from], invocation),
  },
  cpio: {
    takes: 'FROM',
    options: ['output', ...adjusting, 'reference', 'compress'],
    run: ([from], invocation) => makeCpio([from], invocation),
  },
  tar: {
    takes: 'FROM',
    options: ['output', ...adjusting, 'reference'],
    run: ([from], invocation) => makeTar([from], invocation),
  },
  inspect: {
    takes: 'FROM',
    options: ['json', 'tree', 'reference'],
    run: ([from], invocation) => inspectImage([from], invocation),
  },
  check: { takes: 'FROM', options: ['json'], run: ([file], invocation) => checkImage([file], invocation) },
  diff: { takes: 'A B', options: ['json', 'reference'], run: diffImages },
  extract: {
    takes: 'FROM',
    options: ['tar', ...adjusting, 'reference'],
    run: ([from], invocation) => extractTar([from], invocation),
  },
};

/** `portkit image …`: images of trees, made and looked into. */
export const image: Command = {
  usage: 'image ext4|cpio|tar FROM -o OUT | inspect FROM | check FILE | diff A B | extract FROM --tar OUT',
  about: [
    'FROM is a directory, a tar or cpio (compressed or not, - is standard input), an OCI layout, or an ext4 image.',
    'ext4     a root file system as a disk image',
    'cpio     an initrd',
    'tar      a tar',
    'inspect  what it is and what is in it',
    'check    exit 7 if something is wrong with an ext4 image, and what',
    'diff     exit 1 if two differ, and how',
    'extract  what is in it as a tar',
  ].join('\n'),
  words: 3,
  options: {
    output: { type: 'string', short: 'o', value: 'OUT', help: 'the file to write, whole or not at all' },
    tar: { type: 'string', value: 'OUT', help: 'extract: the tar to write' },
    profile: { type: 'string', value: 'NAME', help: 'ext4: plain (as usual), csum, journal or csum-journal' },
    size: { type: 'string', value: 'SIZE', help: 'ext4: the exact size; else as small as it can be, with headroom' },
    headroom: { type: 'string', value: 'SIZE', help: 'ext4: free space, 64MiB or 10%' },
    label: { type: 'string', value: 'TEXT', help: 'ext4: the label, at most 16 bytes' },
    uuid: { type: 'string', value: 'UUID', help: 'ext4: the UUID; else derived from the tree' },
    compress: { type: 'string', value: 'NAME', help: 'cpio: none (as usual), gzip or zstd' },
    owner: { type: 'string', value: 'UID:GID', help: 'the owner of everything' },
    time: { type: 'string', value: 'SECONDS', help: 'the time of everything, since 1970' },
    reference: { type: 'string', value: 'NAME', help: 'the image that is meant, of an OCI layout with several' },
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
