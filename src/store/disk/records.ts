import { hash } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDigest } from '../../base/digest.ts';
import type { Digest } from '../../base/digest.ts';
import { PortkitError, systemCode } from '../../base/errors.ts';
import type { Ref } from '../../base/ref.ts';
import type { ActionRecord } from '../store.ts';
import { discard, syncDirectory, writeFully } from './durable.ts';
import { isOtherKind, plainFile } from './plain-file.ts';
import type { State } from './state.ts';

/** One change to the records; the journal of them is the truth from which the index can be made anew. */
export type RecordLine =
  | { readonly type: 'action'; readonly key: Digest; readonly outputs: readonly Ref[]; readonly detail: unknown }
  | { readonly type: 'tag'; readonly name: string; readonly ref: Ref | null };

/**
 * Adds one wave to the journal: an immutable file `<sequence>.jsonl` whose last line is the SHA-256 of the lines before.
 * The caller holds the write lock; the file is durable before the rows are committed.
 */
export function appendRecords(state: State, lines: readonly RecordLine[]): void {
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  const temporary = state.session().temporary();
  try {
    writeDurably(temporary, Buffer.from(`${text}${hash('sha256', text, 'hex')}\n`));
    state.index.setNumber('sequence', linkNext(state, temporary));
    syncDirectory(state.layout.records);
  } finally {
    discard(temporary);
  }
}

function writeDurably(path: string, bytes: Uint8Array): void {
  const fd = openSync(path, 'wx', 0o600);
  try {
    writeFully(fd, bytes);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Gives the file the next free number: a link refuses a taken name, so a crashed wave is never written over. */
function linkNext(state: State, temporary: string): number {
  for (let sequence = state.index.number('sequence') + 1; ; sequence += 1) {
    try {
      linkSync(temporary, join(state.layout.records, `${String(sequence).padStart(12, '0')}.jsonl`));
      return sequence;
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
    }
  }
}

/** The journal's files in the order they were written. */
export function recordFiles(state: State): readonly string[] {
  return readdirSync(state.layout.records)
    .filter((name) => /^[0-9]{12}\.jsonl$/.test(name))
    .toSorted();
}

/** The changes in one file; throws PK2001 when the file is not whole. */
export function readRecords(state: State, name: string): readonly RecordLine[] {
  const path = join(state.layout.records, name);
  let text: string;
  try {
    text = readFileSync(path, { encoding: 'utf8', flag: plainFile });
  } catch (error) {
    if (isOtherKind(error)) throw damaged(path);
    throw error;
  }
  const end = text.lastIndexOf('\n', text.length - 2) + 1;
  const body = text.slice(0, end);
  if (text.slice(end) !== `${hash('sha256', body, 'hex')}\n`) throw damaged(path);
  return body
    .split('\n')
    .slice(0, -1)
    .map((line) => checkLine(JSON.parse(line), path));
}

function checkLine(line: unknown, path: string): RecordLine {
  if (isObject(line) && line['type'] === 'action' && isDigestText(line['key']) && Array.isArray(line['outputs'])) {
    const outputs = line['outputs'].map((ref: unknown) => checkRef(ref, path));
    return { type: 'action', key: line['key'], outputs, detail: line['detail'] };
  }
  if (isObject(line) && line['type'] === 'tag' && typeof line['name'] === 'string') {
    return { type: 'tag', name: line['name'], ref: line['ref'] === null ? null : checkRef(line['ref'], path) };
  }
  throw damaged(path);
}

function checkRef(ref: unknown, path: string): Ref {
  if (!isObject(ref) || !isDigestText(ref['digest'])) throw damaged(path);
  const kind = ref['kind'];
  if (kind !== 'blob' && kind !== 'tree') throw damaged(path);
  return { kind, digest: ref['digest'] };
}

function isDigestText(value: unknown): value is Digest {
  return typeof value === 'string' && isDigest(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function damaged(path: string): PortkitError {
  return new PortkitError('PK2001', `The record file ${path} is damaged`, { hint: 'Run "portkit cache verify --repair"' });
}

/** A record as its row holds it. */
export function actionRow(record: ActionRecord): string {
  return JSON.stringify({ outputs: record.outputs, detail: record.detail });
}
