import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { makeWork } from '../../artifacts/copies/work.ts';
import { PortkitError } from '../../base/errors.ts';
import { watched } from '../packer.ts';
import type { RunProgram } from '../run-program.ts';

/** What the makers of images that are programs of the host are lent. */
export interface MkfsWorld {
  readonly run: RunProgram;
  /** The folders of programs, as in PATH. */
  readonly path: string;
  /** Where an image is while it is made. */
  readonly scratch: string;
}

/** An image in a file without a name. */
export type MadeImage = Disposable & { readonly fd: number };

/** One call of a program; `C` as its locale, and no other environment than what is given. */
interface Call {
  readonly argv: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: AsyncIterable<Uint8Array>;
}

/** How a program ended and what it said, at most 64 KiB of it. */
export async function said(
  { argv, env, input }: Call,
  { run, path }: MkfsWorld,
  signal: AbortSignal,
): Promise<{ readonly status: number | undefined; readonly stdout: string; readonly stderr: string }> {
  const all = { PATH: path, LC_ALL: 'C', TZ: 'UTC', ...env };
  const source = watched(input ?? nothing());
  const { stdout, ended } = run({ argv, env: all, signal, input: source.bytes() });
  let text = '';
  for await (const bytes of stdout) if (text.length < 65_536) text += Buffer.from(bytes).toString('latin1');
  const { status, stderr } = await ended;
  source.rethrow();
  return { status, stdout: text, stderr };
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // No input.
}

/** Runs a program that has to succeed; PK3956 with what it said. */
export async function make(call: Call, world: MkfsWorld, signal: AbortSignal): Promise<void> {
  const { status, stderr } = await said(call, world, signal);
  if (status === 0) return;
  const words = stderr.trim().split('\n').slice(0, 3).join('; ').slice(0, 300);
  throw new PortkitError('PK3956', `${call.argv[0]} failed with ${status ?? 'a signal'}: ${words}`);
}

/** Lends a folder while an image is made in it as `image`; the folder is gone when the image is there. */
export async function imageIn(scratch: string, fill: (folder: string) => Promise<void>): Promise<MadeImage> {
  using work = makeWork(scratch);
  await fill(work.path);
  const fd = openSync(join(work.path, 'image'), 'r');
  return { fd, [Symbol.dispose]: () => closeSync(fd) };
}

/** A folder with nothing in it. */
export function emptyFolder(folder: string): string {
  const made = join(folder, 'empty');
  mkdirSync(made);
  return made;
}
