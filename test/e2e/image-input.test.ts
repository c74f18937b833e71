import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { planDisk } from '../../src/formats/disk/plan.ts';
import { diskStream } from '../../src/formats/disk/write.ts';
import { archive, file, header, pax, record } from '../corpus/tar-bytes.ts';
import { imageCli, makeLayout, makeSource, program } from './image-cli.ts';

const { folder, at, image, make } = imageCli('image-input');
const source = at('source');
beforeAll(() => makeSource(source));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('whatever a tree comes from, its images are the same', async () => {
  const same = ['--time', '0', '--owner', '0:0'];
  make('tar', source, '-o', 'from.tar', ...same);
  const tar = readFileSync(at('from.tar'));
  writeFileSync(at('from.tar.gz'), gzipSync(tar));
  writeFileSync(at('from.tar.zst'), zstdCompressSync(tar));
  make('cpio', source, '-o', 'from.cpio', ...same);
  make('ext4', source, '-o', 'from.ext4', ...same);
  makeLayout(at('from-layout'), tar);
  const root = readFileSync(at('from.ext4'));
  async function* content(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(root);
  }
  const plan = planDisk({ partitions: [{ type: 'linux', contentSize: root.length, identity: '' }] });
  const disk = diskStream(plan, () => Promise.resolve(content()), new AbortController().signal);
  writeFileSync(at('from-disk'), Buffer.concat(await Array.fromAsync(disk)));

  const sources: readonly (readonly [from: readonly string[], input?: Buffer])[] = [
    [['from.tar']],
    [['from.tar.gz']],
    [['from.tar.zst']],
    [['-'], tar],
    [['from.cpio']],
    [['from-layout']],
    [['from.ext4']],
    [['from-disk', '--partition', '1']],
  ];
  for (const kind of ['ext4', 'cpio', 'tar']) {
    make(kind, source, '-o', `first.${kind}`, ...same);
    const first = readFileSync(at(`first.${kind}`));
    for (const [from, input] of sources) {
      expect(image([kind, ...from, '-o', 'again'], input), `${kind} of ${from.join(' ')}`).toMatchObject({
        status: 0,
        stderr: '',
      });
      expect(readFileSync(at('again')).equals(first), `${kind} of ${from.join(' ')}`).toBe(true);
    }
  }
}, 120_000);

const long = 'n'.repeat(256);
const big = 'b'.repeat(70_000);
const dir = (name: string): Buffer => header({ name, type: '5', mode: '0000755' });
const symlink = (name: string, link: string): Buffer => header({ name, type: '2', link });
const extended = (text: string, name: string): Buffer => Buffer.concat([pax(record(text)), file({ name })]);

const all = ['ext4', 'cpio', 'tar'];

/** Each with the code and the name that the one error has. */
const bad: readonly (readonly [what: string, bytes: Buffer, code: string, name: string, kinds: readonly string[]])[] = [
  ['a name of 256 bytes', archive(extended(`path=${long}`, 'short')), 'PK3302', 'nnn', all],
  ['a path through a link', archive(symlink('out', '/tmp'), file({ name: 'out/passwd' })), 'PK3302', 'out', all],
  ['a path through a loop of links', archive(symlink('a', 'b'), symlink('b', 'a'), file({ name: 'a/x' })), 'PK3302', 'a', all],
  ['a path out of the tree', archive(file({ name: '../escaped' })), 'PK3302', 'escaped', all],
  ['an entry twice', archive(file({ name: 'twice' }), file({ name: 'twice' })), 'PK3302', 'twice', all],
  ['a file in a file', archive(file({ name: 'f' }), file({ name: 'f/g' })), 'PK3302', 'f', all],
  [
    'an attribute over one block',
    archive(extended(`SCHILY.xattr.user.big=${'b'.repeat(5000)}`, 'heavy')),
    'PK3501',
    'heavy',
    ['ext4'],
  ],
  ['an attribute of 70,000 bytes', archive(extended(`SCHILY.xattr.user.big=${big}`, 'heavy')), 'PK3501', 'heavy', ['ext4']],
  ['a tar that is cut off', archive(dir('d'), file({ name: 'd/f' }, big)).subarray(0, 9000), 'PK3301', '', all],
];

test.each(bad)('%s is one error with a code and the name, and leaves nothing', (_, bytes, code, name, kinds) => {
  for (const kind of kinds) {
    const { status, stdout, stderr } = image([kind, '-', '-o', 'never'], bytes);
    expect({ status, stdout, errors: stderr.match(/error\[/g) }).toEqual({ status: 1, stdout: '', errors: ['error['] });
    expect(stderr).toContain(code);
    expect(stderr).toContain(name);
    expect(readdirSync(folder).filter((one) => one.startsWith('never'))).toEqual([]);
  }
});

test('too little space is told with what is needed', () => {
  for (const args of [
    ['--size', '1MiB'],
    ['--size', '2MiB', '--profile', 'journal'],
  ]) {
    const { status, stderr } = image(['ext4', source, '-o', 'never', ...args]);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/PK3503[^]*needs? [^]*\d/);
  }
  expect(readdirSync(folder).filter((one) => one.startsWith('never'))).toEqual([]);
});

test.each(['ext4', 'cpio', 'tar'])(
  'a directory that changes while it is read is one error: %s',
  async (kind) => {
    const growing = at(`growing-${kind}`);
    mkdirSync(growing);
    writeFileSync(`${growing}/file`, '');
    truncateSync(`${growing}/file`, 2 ** 32 - 4096);
    const child = spawn('/bin/sh', [program, 'image', kind, growing, '-o', 'never'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (bytes: Buffer) => void (stderr += bytes.toString()));
    const ended = once(child, 'close');
    const begun = () => readdirSync(folder).some((name) => name.startsWith('never.part'));
    for (let waited = 0; !begun() && waited < 1000; waited += 1) await sleep(10);
    await sleep(50);
    appendFileSync(`${growing}/file`, 'more');
    truncateSync(`${growing}/file`, 4096);
    await ended;
    expect(stderr).toMatch(/^error\[PK2101\]: .*file/);
    expect(existsSync(at('never'))).toBe(false);
    expect(begun()).toBe(false);
  },
  60_000,
);

test('an image that is cut off or damaged is one error, whatever is asked of it', () => {
  make('ext4', source, '-o', 'whole.ext4', '--profile', 'csum', '--time', '0');
  const whole = readFileSync(at('whole.ext4'));
  const damaged = Buffer.from(whole);
  const directory = damaged.indexOf('passwd') & ~4095;
  damaged.fill(0xa5, directory, directory + 4096);
  for (const bytes of [whole.subarray(0, 100_000), whole.subarray(0, 3000), damaged]) {
    writeFileSync(at('broken.ext4'), bytes);
    for (const args of [
      ['tar', 'broken.ext4', '-o', 'never'],
      ['cpio', 'broken.ext4', '-o', 'never'],
      ['ext4', 'broken.ext4', '-o', 'never'],
      ['inspect', 'broken.ext4'],
      ['diff', 'broken.ext4', 'whole.ext4'],
    ]) {
      const { status, stderr } = image(args);
      expect({ status, errors: stderr.match(/error\[PK3(?:301|55\d)\]/g)?.length }, args.join(' ')).toEqual({
        status: 1,
        errors: 1,
      });
    }
    expect(image(['check', 'broken.ext4']).status).toBe(7);
  }
  expect(readdirSync(folder).filter((one) => one.startsWith('never'))).toEqual([]);
}, 60_000);
