import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkExt4 } from '../../../src/formats/ext4/check/check.ts';
import { showPlace } from '../../../src/formats/ext4/read/report.ts';
import { PortkitError } from '../../../src/base/errors.ts';
import { hasProgram, makeImage, makeTree, memoryImage } from './images.ts';
import { mutate, randomNumbers, regionsOf } from './mutations.ts';

const { signal } = new AbortController();
const folder = mkdtempSync(join(tmpdir(), 'portkit-ext4-e2fsck-'));
const source = join(folder, 'source');
const count = Number(process.env['EXT4_MUTATIONS'] ?? 40);
const seed = Number(process.env['EXT4_SEED'] ?? 1);
const profiles = [
  {
    name: 'plain',
    options: ['-O', 'none,ext_attr,filetype,extent,flex_bg,sparse_super,large_file,extra_isize', '-b', '1024', '-g', '1024'],
  },
  { name: 'journal', options: ['-O', '^metadata_csum,^64bit,^resize_inode,^dir_index,^huge_file', '-b', '1024'] },
  { name: 'csum', options: ['-O', '^has_journal', '-b', '1024'] },
  { name: 'blocks', options: ['-O', 'none,ext_attr,filetype,sparse_super', '-b', '1024', '-I', '128'] },
];

beforeAll(() => makeTree(source, 60));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!hasProgram('e2fsck'))('the checker and e2fsck', () => {
  test.each(profiles)('find the same images damaged: $name', ({ options, name }) => {
    const path = join(folder, `${name}.img`);
    makeImage(path, source, { options, size: '4M' });
    const bytes = readFileSync(path);
    expect(e2fsckSays(path)).toEqual([]);
    expect(findingsOf(bytes)).toEqual([]);
    const missed: string[] = [];
    const alone: string[] = [];
    const regions = regionsOf(bytes);
    const file = openSync(path, 'r+');
    for (let index = 0; index < count; index++) {
      const mutation = mutate(bytes, regions, randomNumbers(seed * 1_000_000 + index));
      const old = Uint8Array.from(bytes.subarray(mutation.at, mutation.at + mutation.bytes.length));
      writeSync(file, mutation.bytes, 0, mutation.bytes.length, mutation.at);
      const theirs = e2fsckSays(path);
      writeSync(file, old, 0, old.length, mutation.at);
      bytes.set(mutation.bytes, mutation.at);
      const ours = findingsOf(bytes);
      bytes.set(old, mutation.at);
      const region = regions.filter(
        ({ kind, at, length }) => kind === mutation.kind && at <= mutation.at && mutation.at < at + length,
      )[0];
      const shown = `${String(index)} ${mutation.kind}+${String(mutation.at - (region?.at ?? 0))} ${Buffer.from(old).toString('hex')}→${Buffer.from(mutation.bytes).toString('hex')}`;
      if (theirs.length > 0 && ours.length === 0) missed.push(`${shown}: ${theirs[0] ?? ''}`);
      if (theirs.length === 0 && ours.length > 0) alone.push(`${shown}: ${ours[0] ?? ''}`);
    }
    closeSync(file);
    if (process.env['EXT4_SHOW'] !== undefined)
      process.stderr.write(
        [...missed.map((line) => `MISSED ${name} ${line}`), ...alone.map((line) => `ALONE ${name} ${line}`), ''].join('\n'),
      );
    expect(missed).toEqual([]);
    expect(alone.length).toBeLessThanOrEqual(Math.ceil(count / 20));
  });
});

/** What e2fsck says beyond its passes and its summary: with `-n`, its status is 0 for some damage. */
function e2fsckSays(path: string): readonly string[] {
  const { stdout, stderr, status, signal: killed } = spawnSync('e2fsck', ['-fn', path], { encoding: 'latin1', timeout: 20_000 });
  const said = `${stdout}${stderr}`
    .split('\n')
    .filter((line) => line !== '' && !/^(?:Pass \d|e2fsck \d)/.test(line) && !/ \(\d[\d.]*% non-contiguous\), /.test(line))
    // Advice about the shape of a tree that is sound.
    .filter((line) => !/extent tree .* could be /.test(line));
  return said.length === 0 && (status !== 0 || killed !== null) ? [`status ${String(status)}`] : said;
}

function findingsOf(bytes: Uint8Array): readonly string[] {
  try {
    return checkExt4(memoryImage(bytes), { signal }).map(({ place, what }) => `${showPlace(place)}: ${what}`);
  } catch (error) {
    if (error instanceof PortkitError && error.code === 'PK3552') return [error.message];
    throw error;
  }
}
