import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hasProgram } from '../formats/ext4/images.ts';
import { imageCli, makeLayout, makeSource, program } from './image-cli.ts';

const { folder, at, image, make } = imageCli('image');
const source = at('source');
beforeAll(() => makeSource(source));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('directory, ext4, tar, cpio and ext4 again have the same tree', () => {
  make('ext4', source, '-o', 'one.ext4', '--time', '7', '--owner', '0:0', '--profile', 'csum-journal', '--label', 'root');
  make('tar', 'one.ext4', '-o', 'two.tar');
  make('cpio', 'two.tar', '-o', 'three.cpio.gz', '--compress', 'gzip');
  make('ext4', 'three.cpio.gz', '-o', 'four.ext4', '--size', '16MiB');
  make('extract', 'four.ext4', '--tar', 'five.tar');
  for (const other of ['two.tar', 'three.cpio.gz', 'four.ext4'])
    expect(image(['diff', 'one.ext4', other])).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(readFileSync(at('five.tar')).equals(readFileSync(at('two.tar')))).toBe(true);
  expect(image(['inspect', 'four.ext4', '--tree']).stdout).toBe(
    [
      '0755 0:0 dir /',
      '0644 0:0 file 3000001 /big',
      '0755 0:0 dir /etc',
      '0755 0:0 dir /etc/deep',
      '4750 0:0 file 11 /etc/passwd',
      '0644 0:0 file 0 /etc/ä b',
      '0777 0:0 symlink /link -> etc/passwd',
      '/second = /etc/passwd',
      '',
    ].join('\n'),
  );
  const found = JSON.parse(image(['inspect', 'four.ext4', '--json']).stdout) as object;
  expect(found).toMatchObject({ format: 'ext4', size: 2 ** 24, names: { file: 3, hardlink: 1 }, bytes: 3_000_012 });
  for (const name of ['one.ext4', 'four.ext4']) {
    expect(image(['check', name])).toMatchObject({ status: 0, stdout: `${name}: sound\n` });
    if (hasProgram('e2fsck')) expect(spawnSync('e2fsck', ['-fn', at(name)]).status).toBe(0);
  }
}, 60_000);

test('the same tree gives the same bytes, through standard input and compressed too', () => {
  make('tar', source, '-o', 'a.tar', '--time', '0', '--owner', '5:6');
  make('ext4', 'a.tar', '-o', 'a.ext4');
  expect(image(['ext4', '-', '-o', 'b.ext4'], gzipSync(readFileSync(at('a.tar'))))).toMatchObject({ status: 0 });
  expect(readFileSync(at('a.ext4')).equals(readFileSync(at('b.ext4')))).toBe(true);
  expect(image(['inspect', '-', '--json'], gzipSync(readFileSync(at('a.ext4')))).stdout).toContain('"format": "ext4"');
});

test('the image of an OCI layout is its layers over each other', () => {
  make('tar', source, '-o', 'layer.tar', '--time', '0');
  makeLayout(at('layout'), readFileSync(at('layer.tar')));
  expect(image(['diff', 'layout', 'layer.tar'])).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(image(['inspect', 'layout']).stdout).toMatch(/^layout: oci, 2\.9 MiB in /);
  expect(image(['inspect', 'layout', '--reference', 'two'])).toMatchObject({ status: 1 });
  expect(image(['inspect', 'oci:layout:one']).stdout).toMatch(/^oci:layout:one: oci, 2\.9 MiB in /);
  expect(image(['inspect', 'oci:layout:two'])).toMatchObject({ status: 1 });
  const index = JSON.parse(readFileSync(at('layout/index.json'), 'utf8'));
  const [{ annotations, ...nameless }] = index.manifests;
  const write = (manifests: readonly object[]) => writeFileSync(at('layout/index.json'), JSON.stringify({ ...index, manifests }));
  write([...index.manifests, nameless]);
  expect(image(['inspect', 'layout']).status).toBe(0);
  write([...index.manifests, { ...nameless, annotations: { ...annotations, 'org.opencontainers.image.ref.name': 'two' } }]);
  expect(image(['inspect', 'layout'])).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/none is named\n[^]*It has: one, two/),
  });
});

test('diff says how two differ', () => {
  mkdirSync(at('other'));
  for (const name of ['same', 'text', 'mode']) writeFileSync(at(`other/${name}`), name);
  make('tar', 'other', '-o', 'before.tar', '--time', '0');
  writeFileSync(at('other/text'), 'TEXT');
  chmodSync(at('other/mode'), 0o600);
  writeFileSync(at('other/new'), '');
  make('cpio', 'other', '-o', 'after.cpio', '--time', '0', '--compress', 'zstd');
  expect(image(['diff', 'before.tar', 'after.cpio'])).toEqual({
    status: 1,
    stdout: '~ /mode: mode 0644 → 0600\n+ /new\n~ /text: content\n',
    stderr: '',
  });
});

test('a damaged image is found out', () => {
  make('ext4', source, '-o', 'good.ext4', '--profile', 'csum');
  copyFileSync(at('good.ext4'), at('bad.ext4'));
  const file = openSync(at('bad.ext4'), 'r+');
  // The free blocks of the first group's descriptor.
  writeSync(file, Buffer.from([0xff]), 0, 1, 4096 + 12);
  closeSync(file);
  const { status, stdout } = image(['check', 'bad.ext4']);
  expect(status).toBe(7);
  expect(stdout).toMatch(/block group 0: .*\n[^]*bad\.ext4: \d+ findings?\n$/);
  truncateSync(at('bad.ext4'), 40_000);
  expect(image(['check', 'bad.ext4']).status).toBe(7);
  expect(image(['tar', 'bad.ext4', '-o', 'never.tar'])).toMatchObject({ status: 1, stderr: expect.stringContaining('PK3551') });
  expect(readdirSync(folder).filter((name) => name.startsWith('never'))).toEqual([]);
});

test('what is no ext4 image or initrd is not checked as one', () => {
  make('tar', source, '-o', 'other.tar');
  expect(image(['check', 'other.tar'])).toMatchObject({ status: 1, stderr: expect.stringMatching(/PK3951.*the file is a tar/) });
});

test('what cannot be made is one error with a code, and leaves nothing', () => {
  writeFileSync(at('text'), 'no image');
  const refused = [
    ['PK3951', 'tar', 'text', '-o', 'never'],
    ['PK3953', 'tar', 'missing', '-o', 'never'],
    ['there is no such file or folder (ENOENT)', 'tar', 'oci:missing:v1', '-o', 'never'],
    ['PK3953', 'check', '/dev/null'],
    ['PK3402', 'tar', source, '-o', source],
    ['PK3406', 'ext4', source, '-o', 'missing/out'],
    ['PK3503', 'ext4', source, '-o', 'never', '--size', '1MiB'],
    ['PK3954', 'ext4', source, '-o', 'never', '--profile', 'fast'],
    ['PK3954', 'ext4', source, '-o', 'never', '--owner', 'root'],
    ['PK3954', 'cpio', source, '-o', 'never', '--compress', 'lzo'],
    ['PK3954', 'tar', source, '-o', 'never', '--time', 'now'],
    ['PK3954', 'squashfs', source, '-o', 'never', '--compress', 'fast'],
    ['PK3954', 'erofs', source, '-o', 'never', '--uuid', '1'],
    ['PK1004', 'vfat', source, '-o', 'never', '--serial', '1'],
    ['PK1001', 'tar', source],
    ['PK1001', 'diff', source],
    ['PK1001', 'check', 'text', '--tree'],
  ];
  for (const [code = '', ...args] of refused) {
    const { status, stderr } = image(args);
    expect(`${args.join(' ')}: ${stderr}`).toContain(code);
    expect(status).not.toBe(0);
  }
  expect(readdirSync(folder).filter((name) => name.startsWith('never'))).toEqual([]);
}, 60_000);

test('a cancelled write leaves nothing, and what was there', async () => {
  mkdirSync(at('large'));
  writeFileSync(at('large/file'), '');
  truncateSync(at('large/file'), 2 ** 34);
  writeFileSync(at('kept.ext4'), 'what was there');
  const child = spawn('sh', ['-c', `exec sh "$0" image ext4 large -o kept.ext4`, program], { cwd: folder, stdio: 'ignore' });
  const ended = once(child, 'exit');
  const parts = () => readdirSync(folder).filter((name) => name.includes('.part'));
  for (let waited = 0; parts().length === 0 && waited < 1000; waited += 1) await sleep(10);
  expect(parts()).toHaveLength(1);
  child.kill('SIGINT');
  expect(await ended).toEqual([130, null]);
  expect(parts()).toEqual([]);
  expect(readFileSync(at('kept.ext4'), 'utf8')).toBe('what was there');
}, 30_000);

test('waiting for standard input can be cancelled', async () => {
  const child = spawn('sh', [program, 'image', 'inspect', '-'], {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { ...process.env, TMPDIR: folder },
  });
  const ended = once(child, 'exit');
  child.stdin.write('0707');
  // Its file without a name is open once it waits.
  const leadsTo = (fd: string): string => {
    try {
      return readlinkSync(`/proc/${child.pid}/fd/${fd}`);
    } catch {
      // It was closed meanwhile.
      return '';
    }
  };
  const waits = () => readdirSync(`/proc/${child.pid}/fd`).some((fd) => leadsTo(fd).includes('/scratch-'));
  for (let waited = 0; waited < 1000 && !waits(); waited += 1) await sleep(10);
  child.kill('SIGINT');
  expect(await ended).toEqual([130, null]);
}, 30_000);
