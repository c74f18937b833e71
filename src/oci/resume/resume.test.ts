import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openParts } from '../../store/parts/parts.ts';
import { copyBlob } from '../copy/blob.ts';
import type { CopyEvent } from '../copy/events.ts';
import { folderTarget } from '../layout/folder.ts';
import { memoryLayout } from '../layout/memory.ts';
import { mediaTypes } from '../model/media-types.ts';
import { describe as blobOf } from '../model/produce.ts';
import { bytesSource, verified } from '../model/read.ts';
import { resuming } from './resume.ts';
import type { Keeping, Resumable } from './resume.ts';

const { signal } = new AbortController();
const bytes = randomBytes(3_000_000);
const descriptor = blobOf(bytes, 'application/octet-stream');
const base = descriptor.digest.replace(':', '-');
const name = `${base}.1.part`;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-resume-'));
});
afterEach(() => {
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true });
});

/** A repository that says how many bytes it has given, and ends after so many. */
function repository(content = bytes, { cutAt = Infinity }: { readonly cutAt?: number } = {}) {
  const asked: number[] = [];
  let given = 0;
  async function* from(offset: number): AsyncGenerator<Uint8Array> {
    asked.push(offset);
    for (let at = offset; at < content.length; at += 65_536) {
      if (at >= cutAt) throw new Error('cut');
      const chunk = content.subarray(at, at + 65_536);
      given += chunk.length;
      yield chunk;
    }
  }
  const source: Resumable = {
    ...memoryLayout('far'),
    fetch: (wanted) => Promise.resolve(verified(from(0), wanted)),
    async receiveFrom(_, { offset, take }) {
      for await (const chunk of from(offset)) take(chunk);
    },
  };
  return { source, asked, given: () => given };
}

function over(source: Resumable, more: Partial<Keeping> = {}) {
  return resuming(source, { folder: () => Promise.resolve(folder), now: Date.now, least: 1000, ...more });
}

async function read(source: Resumable, more: Partial<Keeping> = {}): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(await over(source, more).fetch(descriptor, signal)));
}

const kept = () => readdirSync(folder).filter((file) => file !== 'turns');
const leave = (content: Uint8Array) => {
  writeFileSync(join(folder, `${base}.json`), '{"number":1,"note":""}');
  writeFileSync(join(folder, name), content);
};

test('what was cut is kept, and only the rest is asked for', async () => {
  const first = repository(bytes, { cutAt: 2_000_000 });
  await expect(read(first.source)).rejects.toThrow('cut');
  const part = readFileSync(join(folder, name));
  expect(part.equals(bytes.subarray(0, first.given()))).toBe(true);
  const second = repository(bytes, { cutAt: 2_500_000 });
  await expect(read(second.source)).rejects.toThrow('cut');
  const third = repository();
  expect((await read(third.source)).equals(bytes)).toBe(true);
  expect([second.asked, third.asked]).toEqual([[part.length], [part.length + second.given()]]);
  expect(first.given() + second.given() + third.given()).toBe(bytes.length);
  expect(kept()).toEqual([]);
});

test('who leaves early can come back', async () => {
  const first = repository();
  for await (const _ of await over(first.source).fetch(descriptor, signal)) if (first.given() > 1_500_000) break;
  const second = repository();
  expect((await read(second.source)).equals(bytes)).toBe(true);
  expect([first.given() + second.given(), kept()]).toEqual([bytes.length, []]);
});

test.each([
  ['a wrong beginning', () => Buffer.alloc(1_000_000, 'x')],
  ['a beginning with one wrong byte', () => Buffer.concat([Buffer.from([(bytes[0] ?? 0) ^ 1]), bytes.subarray(1, 900_000)])],
  ['zeros at its end, as a power cut leaves', () => Buffer.concat([bytes.subarray(0, 900_000), Buffer.alloc(100_000)])],
  ['more bytes than it has, and wrong ones', () => Buffer.alloc(bytes.length + 1)],
])('%s is thrown away, and all of it comes anew', async (_name, left) => {
  leave(left());
  const { source, asked } = repository();
  expect((await read(source)).equals(bytes)).toBe(true);
  expect([asked.at(-1), kept()]).toEqual([0, []]);
});

test('what had come whole is not asked for again', async () => {
  leave(bytes);
  const { source, given } = repository();
  expect((await read(source)).equals(bytes)).toBe(true);
  expect([given(), kept()]).toEqual([0, []]);
});

test('content that is not what was asked for leaves nothing', async () => {
  const wrong = Buffer.alloc(bytes.length, 'w');
  await expect(read(repository(wrong).source)).rejects.toMatchObject({ code: 'PK4003' });
  expect(kept()).toEqual([]);
  leave(bytes.subarray(0, 1_000_000));
  await expect(read(repository(wrong).source)).rejects.toMatchObject({ code: 'PK4003' });
  expect(kept()).toEqual([]);
});

test('two who fetch the same do not disturb each other', async () => {
  leave(bytes.subarray(0, 1_000_000));
  const all = await Promise.all([read(repository().source), read(repository().source), read(repository().source)]);
  expect(all.map((one) => one.equals(bytes))).toEqual([true, true, true]);
  expect(kept()).toEqual([]);
});

describe('without a part', () => {
  test('small blobs and documents come as they are', async () => {
    const { source } = repository();
    const watched = over(source, { least: bytes.length });
    for await (const _ of await watched.fetch(descriptor, signal)) expect(kept()).toEqual([]);
    const document = { ...descriptor, mediaType: mediaTypes.manifest };
    for await (const _ of await over(source).fetch(document, signal)) expect(kept()).toEqual([]);
  });

  test('a folder that is not there, or cannot be written to, is no failure', async () => {
    expect((await read(repository().source, { folder: () => Promise.resolve(undefined) })).equals(bytes)).toBe(true);
    writeFileSync(join(folder, 'file'), '');
    const below = join(folder, 'file', 'none');
    expect((await read(repository().source, { folder: () => Promise.resolve(below) })).equals(bytes)).toBe(true);
    expect(kept()).toEqual(['file']);
  });

  test('a link in its place is not followed', async () => {
    const victim = join(folder, 'victim');
    writeFileSync(victim, 'precious');
    symlinkSync(victim, join(folder, name));
    expect((await read(repository().source)).equals(bytes)).toBe(true);
    expect([readFileSync(victim, 'utf8'), kept()]).toEqual(['precious', ['victim']]);
  });
});

describe('as a file', () => {
  /** What a target gets that takes files; undefined when it is told to read. */
  async function file(
    source: Resumable,
    { beside = folder, more = {} }: { readonly beside?: string; readonly more?: Partial<Keeping> } = {},
  ): Promise<Buffer | undefined> {
    let content: Buffer | undefined;
    const progress: number[] = [];
    const wish = { beside, signal, progress: (count: number) => void progress.push(count) };
    const given = await over(source, more).filing?.file(descriptor, wish, (path) => {
      content = readFileSync(path);
      rmSync(path);
      return Promise.resolve();
    });
    expect(given).toBe(content !== undefined);
    if (given === true) expect(progress.at(-1) ?? bytes.length).toBe(bytes.length);
    return content;
  }

  test('it comes whole, the rest of what was cut', async () => {
    const first = repository(bytes, { cutAt: 2_000_000 });
    await expect(file(first.source)).rejects.toThrow('cut');
    const second = repository();
    expect((await file(second.source))?.equals(bytes)).toBe(true);
    expect(second.asked).toEqual([first.given()]);
    expect(kept()).toEqual([]);
  });

  test.each([
    ['a wrong beginning', () => Buffer.alloc(1_000_000, 'x')],
    ['more bytes than it has', () => Buffer.alloc(bytes.length + 1)],
    ['all of it', () => bytes],
  ])('%s does not make it a wrong one', async (_name, left) => {
    leave(left());
    expect((await file(repository().source))?.equals(bytes)).toBe(true);
    expect(kept()).toEqual([]);
  });

  test('content that is not what was asked for is no file, and leaves nothing', async () => {
    await expect(file(repository(Buffer.alloc(bytes.length, 'w')).source)).rejects.toMatchObject({ code: 'PK4003' });
    expect(kept()).toEqual([]);
  });

  test('there is none while somebody else brings it, on another file system, or where nothing is kept', async () => {
    const held = openParts(folder, Date.now());
    {
      await using part = await held.open(base, signal);
      expect(part).toBeDefined();
      expect(await file(repository().source)).toBeUndefined();
    }
    expect(await file(repository().source, { beside: '/proc' })).toBeUndefined();
    const nowhere = { folder: () => Promise.resolve(undefined) };
    expect(await file(repository().source, { more: nowhere })).toBeUndefined();
  });

  test('the target that it is moved to has it, with the mode of its other files', async () => {
    const target = join(folder, 'layout');
    const { source } = repository();
    const events: CopyEvent[] = [];
    await copyBlob(
      descriptor,
      { source: over(source), target: folderTarget(target), onEvent: (event) => events.push(event) },
      signal,
    );
    const path = join(target, 'blobs', descriptor.digest.replace(':', '/'));
    expect(readFileSync(path).equals(bytes)).toBe(true);
    writeFileSync(join(folder, 'beside'), '', { mode: 0o644 });
    expect(statSync(path).mode).toBe(statSync(join(folder, 'beside')).mode);
    expect(events.map(({ state }) => state).filter((state) => state !== 'progress')).toEqual(['begun', 'stored']);
    expect(events.at(-2)?.bytes).toBe(bytes.length);
    expect(readdirSync(target).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});

test('parts that nobody came back for in a week are removed', async () => {
  const old = (file: string, days: number) => {
    writeFileSync(join(folder, file), 'x');
    utimesSync(join(folder, file), new Date(), new Date(Date.now() - days * 86_400_000));
  };
  old('sha256-a.part', 8);
  old('sha256-b.part', 6);
  old('other', 8);
  await read(repository().source);
  expect(kept().toSorted()).toEqual(['other', 'sha256-b.part']);
});

test('an empty part is none', async () => {
  leave(bytes);
  truncateSync(join(folder, name), 0);
  const { source, asked } = repository();
  await read(source);
  expect(asked).toEqual([0]);
});

test('everything else is that of the source', async () => {
  const layout = memoryLayout('far');
  await layout.push(descriptor, bytesSource(bytes), signal);
  const source = over({ ...layout, receiveFrom: () => Promise.reject(new Error('not asked')) });
  expect([source.shown, await source.exists(descriptor, signal)]).toEqual(['far', true]);
});
