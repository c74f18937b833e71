import { randomBytes, randomFillSync } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Makes a file of random bytes. */
export function makeFile(path: string, megabytes: number): void {
  const fd = openSync(path, 'w');
  const block = Buffer.alloc(1 << 20);
  for (let at = 0; at < megabytes; at += 1) writeSync(fd, randomFillSync(block));
  closeSync(fd);
}

/** Makes a folder of twelve random files. */
export function makeLargeFiles(tree: string, megabytes: number): void {
  mkdirSync(tree);
  for (let at = 0; at < 12; at += 1) makeFile(join(tree, `${at}`), Math.floor(megabytes / 12));
}

/** Makes a tree of random files of 10 KiB, 200 to a folder, and a list of their paths beside it: `TREE.list`. */
export function makeTree(tree: string, count: number): void {
  const block = Buffer.alloc(10_240);
  const paths = Array.from({ length: count }, (_, at) => join(tree, `${Math.floor(at / 200)}`, `${at}`));
  for (let at = 0; at < count; at += 200) mkdirSync(join(tree, `${at / 200}`), { recursive: true });
  for (const path of paths) writeFileSync(path, randomFillSync(block));
  writeFileSync(`${tree}.list`, `${paths.join('\n')}\n`);
}

/** Makes a tree of 10 KiB texts, 200 to a folder, that compress about as well as sources do. */
export function makeTextTree(tree: string, count: number): void {
  const words = Array.from({ length: 4000 }, () => randomBytes(1 + Math.floor(Math.random() * 5)).toString('hex'));
  for (let at = 0; at < count; at += 1) {
    const folder = join(tree, `${Math.floor(at / 200)}`);
    if (at % 200 === 0) mkdirSync(folder, { recursive: true });
    let text = '';
    // Few words are common and many are rare, as in any text.
    while (text.length < 10_240) text += `${words[Math.floor(words.length * Math.random() ** 3)]} `;
    writeFileSync(join(folder, `${at}`), text.slice(0, 10_240));
  }
}

/** Makes a tree of empty files, 1000 to a folder. */
export function makeEmptyFiles(tree: string, count: number): void {
  for (let at = 0; at < count; at += 1) {
    const folder = join(tree, `${Math.floor(at / 1000)}`);
    if (at % 1000 === 0) mkdirSync(folder, { recursive: true });
    closeSync(openSync(join(folder, `${at}`), 'w'));
  }
}
