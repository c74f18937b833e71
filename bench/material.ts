import { randomFillSync } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Makes a file of random bytes. */
export function makeFile(path: string, megabytes: number): void {
  const fd = openSync(path, 'w');
  const block = Buffer.alloc(1 << 20);
  for (let at = 0; at < megabytes; at += 1) writeSync(fd, randomFillSync(block));
  closeSync(fd);
}

/** Makes a tree of random files of 10 KiB, 200 to a folder, and a list of their paths beside it: `TREE.list`. */
export function makeTree(tree: string, count: number): void {
  const block = Buffer.alloc(10_240);
  const paths = Array.from({ length: count }, (_, at) => join(tree, `${Math.floor(at / 200)}`, `${at}`));
  for (let at = 0; at < count; at += 200) mkdirSync(join(tree, `${at / 200}`), { recursive: true });
  for (const path of paths) writeFileSync(path, randomFillSync(block));
  writeFileSync(`${tree}.list`, `${paths.join('\n')}\n`);
}

/** Makes a tree of empty files, 1000 to a folder. */
export function makeEmptyFiles(tree: string, count: number): void {
  for (let at = 0; at < count; at += 1) {
    const folder = join(tree, `${Math.floor(at / 1000)}`);
    if (at % 1000 === 0) mkdirSync(folder, { recursive: true });
    closeSync(openSync(join(folder, `${at}`), 'w'));
  }
}
