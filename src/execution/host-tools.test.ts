import { readFileSync, realpathSync } from 'node:fs';
import { expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import { createHostTools } from './host-tools.ts';

const { signal } = new AbortController();
const tools = createHostTools('x64');

test('a tool is the bytes of the file behind its name', async () => {
  const expected = digestOf(readFileSync(realpathSync('/usr/bin/perl')));
  expect(await tools.digest('perl', signal)).toBe(expected);
  expect(await tools.digest('/usr/bin/perl', signal)).toBe(expected);
  expect(await tools.digest('awk', signal)).toBe(digestOf(readFileSync(realpathSync('/usr/bin/awk'))));
});

test.each([
  ['no-such-tool', 'Install the package that has it; if it has the same name: apt-get install -y no-such-tool'],
  ['/usr/lib/no/mkfs.erofs', 'apt-get install -y erofs-utils'],
  ['/etc/passwd', 'Install the package that has it; if it has the same name: apt-get install -y passwd'],
  ['/usr/bin', 'Install the package that has it; if it has the same name: apt-get install -y bin'],
  ['constructor', 'Install the package that has it; if it has the same name: apt-get install -y constructor'],
])('%s is missing, and what to do is said', async (tool, hint) => {
  await expect(tools.digest(tool, signal)).rejects.toMatchObject({ code: 'PK6901', hint });
});

test.each(['', '../bin/sh', 'bin/sh'])('%j is no name of a tool', async (tool) => {
  await expect(tools.digest(tool, signal)).rejects.toMatchObject({ code: 'PK1003' });
});
