import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, hexOf } from '../base/digest.ts';

/** The logs of one build: each step's whole output, in a file of its own. */
export interface Logs extends Disposable {
  write(step: string, bytes: Uint8Array): void;
  /** The file of a step that wrote something. */
  pathOf(step: string): string | undefined;
  /** The step writes no more. */
  close(step: string): void;
}

/** Builds whose logs are kept. */
const kept = 50;

/** Logs in a folder per build; nothing is made until a step writes. Names of builds sort by time, so the oldest go first. */
export function createLogs(folder: string, build: string): Logs {
  const files = new Map<string, { readonly path: string; fd: number | undefined }>();
  function open(step: string) {
    const directory = join(folder, build);
    if (files.size === 0) {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      prune(folder);
    }
    const path = join(directory, fileNameOf(step));
    const file = { path, fd: openSync(path, 'a', 0o600) };
    files.set(step, file);
    return file;
  }
  function close(step: string): void {
    const file = files.get(step);
    if (file?.fd !== undefined) closeSync(file.fd);
    if (file !== undefined) file.fd = undefined;
  }
  return {
    write(step, bytes) {
      const file = files.get(step) ?? open(step);
      file.fd ??= openSync(file.path, 'a', 0o600);
      for (let at = 0; at < bytes.length;) at += writeSync(file.fd, bytes, at);
    },
    pathOf: (step) => files.get(step)?.path,
    close,
    [Symbol.dispose]() {
      for (const step of files.keys()) close(step);
    },
  };
}

/** A step's name as a file's: what no file name should hold is replaced, and a digest keeps such names apart. */
function fileNameOf(step: string): string {
  const plain = step
    .replaceAll(/[^A-Za-z0-9._-]/g, '_')
    .replace(/^\./, '_')
    .slice(0, 100);
  return plain === step ? `${plain}.log` : `${plain}-${hexOf(digestOf(step)).slice(0, 8)}.log`;
}

function prune(folder: string): void {
  for (const old of readdirSync(folder).toSorted().slice(0, -kept)) rmSync(join(folder, old), { recursive: true, force: true });
}
