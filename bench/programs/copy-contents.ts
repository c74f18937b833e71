import { closeSync, openSync, readdirSync, readSync, writeSync } from 'node:fs';
import { printPeak } from './peak.ts';

/**
 * The floor of all that makes one file of many: reads every file below a folder and writes what it read, in the fastest way
 * that Node has, with no look at anything else: `copy-contents FOLDER OUT`.
 */
const [folder = '', out = ''] = process.argv.slice(2);
const room = Buffer.allocUnsafeSlow(2 ** 18);
const to = openSync(out, 'wx');
let used = 0;
copyBelow(folder);
writeSync(to, room, 0, used);
closeSync(to);
printPeak();

function copyBelow(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const below = `${path}/${entry.name}`;
    if (entry.isDirectory()) copyBelow(below);
    else if (entry.isFile()) copyFile(below);
  }
}

function copyFile(path: string): void {
  const from = openSync(path, 'r');
  for (;;) {
    const read = readSync(from, room, used, room.length - used, null);
    used += read;
    const full = used === room.length;
    if (full) {
      writeSync(to, room);
      used = 0;
    }
    // Less than there was room for is the end of a file.
    if (!full) break;
  }
  closeSync(from);
}
