import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeAll } from './output.ts';

test('a slow reader of a non-blocking pipe gets everything', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'portkit-output-'));
  try {
    const fifo = join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    // Open for both, so that opening does not wait; far more than a pipe holds, so that writing must.
    const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
    const text = 'slow reader ü\n'.repeat(50_000);
    const reader = spawn('sh', ['-c', `head -c ${Buffer.byteLength(text)} <fifo >copy`], { cwd: folder, stdio: 'ignore' });
    writeAll(fd, text);
    expect(await once(reader, 'exit')).toEqual([0, null]);
    closeSync(fd);
    expect(readFileSync(join(folder, 'copy'), 'utf8')).toBe(text);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
