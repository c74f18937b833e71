import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { imageIn } from './program.ts';

test('what a killed run left is gone a day later, and nothing is left of one that fails', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'portkit-image-'));
  try {
    let left = '';
    const failing = imageIn(scratch, (folder) => {
      left = join(scratch, `${basename(folder).slice(0, -6)}zzzzzz`);
      return Promise.reject(new Error('cut'));
    });
    await expect(failing).rejects.toThrow('cut');
    expect(readdirSync(scratch)).toEqual([]);
    mkdirSync(left);
    writeFileSync(join(left, 'image'), 'half');
    utimesSync(left, 1, 1);
    using image = await imageIn(scratch, (folder) => Promise.resolve(writeFileSync(join(folder, 'image'), 'whole')));
    expect(image.fd).toBeGreaterThan(0);
    expect(existsSync(left)).toBe(false);
  } finally {
    rmSync(scratch, { recursive: true });
  }
});
