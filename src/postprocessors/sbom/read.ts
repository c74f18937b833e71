import type { Digest } from '../../base/digest.ts';
import { PortkitError } from '../../base/errors.ts';
import type { Unxz } from '../../formats/compression/decompress.ts';
import type { Files, Use } from './files.ts';
import type { KernelFound } from './inventory.ts';
import { digestOfStream, kernelIn } from './kernel.ts';
import { malformed } from './packages.ts';
import type { Plan } from './plan.ts';

/** What was read of the planned files, by what the plan calls their contents. */
export interface Read {
  readonly texts: ReadonlyMap<Digest, string>;
  readonly kernels: ReadonlyMap<Digest, KernelFound>;
  readonly programs: ReadonlyMap<Digest, Digest>;
  readonly unread: readonly string[];
}

/** Bytes of all databases together: they are in memory. */
const mostText = 64 << 20;
/** Bytes of all kernels and programs together: an image may say that a file has any number of zeros. */
const mostBinary = 8 * 2 ** 30;

/** Reads the planned files, each once. PK4104 for databases beyond what a package manager writes. */
export async function readPlanned(
  { system, dpkg, apk, kernels, programs }: Plan,
  files: Files,
  world: { readonly unxz: Unxz; readonly signal: AbortSignal },
): Promise<Read> {
  const read = {
    texts: new Map<Digest, string>(),
    kernels: new Map<Digest, KernelFound>(),
    programs: new Map<Digest, Digest>(),
    unread: [] as string[],
  };
  const wanted = new Map<Digest, Use>();
  let left = mostText;
  for (const { path, content, size } of [...system, ...dpkg, ...apk]) {
    if (wanted.has(content)) continue;
    left -= size;
    if (left < 0) throw malformed(path, `with the ones before it, it has more than ${mostText} bytes`);
    wanted.set(content, async (bytes) => void read.texts.set(content, await textOf(bytes, size)));
  }
  let spent = 0;
  const binaries = [
    ...programs.map((one) => ({ ...one, use: programUse(one.content) })),
    ...kernels.map((one) => ({ ...one, use: kernelUse(one.content) })),
  ];
  for (const { path, content, size, use } of binaries) {
    if (wanted.has(content)) continue;
    if (spent + size > mostBinary) {
      read.unread.push(`${JSON.stringify(path)} is too large to be looked at`);
      continue;
    }
    spent += size;
    wanted.set(content, use);
  }
  await files.read(wanted);
  return read;

  function programUse(name: Digest): Use {
    return async (bytes) => void read.programs.set(name, await digestOfStream(bytes));
  }

  function kernelUse(name: Digest): Use {
    return async (bytes) => {
      const kernel = await kernelIn(bytes, world);
      if (kernel !== undefined) read.kernels.set(name, kernel);
    };
  }
}

async function textOf(content: AsyncIterable<Uint8Array>, size: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let left = size;
  for await (const part of content) {
    left -= part.length;
    if (left < 0) throw new PortkitError('PK2103', `A file has not the ${size} bytes that its tree says`);
    parts.push(Uint8Array.from(part));
  }
  return Buffer.concat(parts).toString();
}
