import { createHash } from 'node:crypto';
import { canonicalJson } from '../base/canonical.ts';
import type { Digest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import type { Ref } from '../base/ref.ts';
import type { BootSpec } from '../graph/ops.ts';
import { headerSize, readHeader } from '../kernels/inspect/header.ts';
import type { Op, OpContext } from '../solver/op.ts';
import { ofKind, openInput } from './input.ts';
import type { FileWorld } from './input.ts';
import { asOutcome } from './outcome.ts';
import { openScratch } from './scratch-file.ts';
import type { Scratch } from './scratch-file.ts';

/** A machine to try: files of this machine, and what is to be found in the guest. */
export interface BootRequest {
  readonly architecture: 'x86_64' | 'aarch64';
  readonly kernel: string;
  readonly initrd?: string;
  readonly rootfs?: string;
  readonly memoryMiB: number;
  readonly append?: string;
  readonly timeoutMs: number;
  readonly files: readonly { readonly path: string; readonly sha256?: string }[];
}

/** What was found in a guest that booted. */
export interface BootFindings {
  readonly guest: { readonly machine: string; readonly kernel: string };
  readonly files: readonly { readonly path: string; readonly size: number; readonly sha256: string }[];
}

/** What trying an image is lent; images are files in `scratch` while they are tried. */
export interface BootOpWorld extends FileWorld {
  readonly scratch: string;
  /** Boots a machine and has its agent read the files; whatever stands against it is a coded error. */
  readonly boot: (request: BootRequest, context: Pick<OpContext, 'signal' | 'output'>) => Promise<BootFindings>;
}

/**
 * Tries what was built: boots it, reads files inside, and ends it. Its output says what was found, and no times, so that it
 * is the same whenever it is tried. What runs the machine (QEMU, and how) is no part of the key.
 */
export function bootOp(spec: BootSpec, world: BootOpWorld): Op {
  return {
    code: 'boot/1',
    pool: 'cpu',
    facts: () => ({ facts: factsOf(spec) }),
    run: (inputs, context) =>
      asOutcome(async () => {
        const settings = settingsOf(spec);
        using held = new DisposableStack();
        const digests = imagesOf(spec, inputs);
        const architecture = spec.architecture ?? (await architectureOf(digests.kernel, world, context));
        const images: { kernel?: string; initrd?: string; rootfs?: string } = {};
        for (const name of ['kernel', 'initrd', 'rootfs'] as const) {
          const digest = digests[name];
          if (digest === undefined) continue;
          const { fd, write } = held.use(openScratch(world.scratch));
          await fill(write, await openInput(digest, world, context));
          // The file has no name: it is gone with this process, whatever happens to it.
          images[name] = `/proc/${process.pid}/fd/${fd}`;
        }
        const { guest, files } = await world.boot({ kernel: '', ...images, ...settings, architecture }, context);
        const report = { version: 1, guest: { kernel: guest.kernel, machine: guest.machine }, images: digests, files };
        const { digest } = await world.blobs.write(bytesOf(`${canonicalJson(report)}\n`), context.signal);
        return { ok: true, outputs: [{ kind: 'blob', digest }] };
      }),
  };
}

/** Everything that decides whether it passes. Not the time limit, which only decides whether it is known. */
function factsOf({ kernel, initrd, rootfs, architecture, memoryBytes, append, expect = [] }: BootSpec): Record<string, string> {
  const expected = expect.map(({ path, sha256, text }) => [path, sha256 ?? null, text ?? null]);
  return {
    images: JSON.stringify([kernel, initrd ?? '', rootfs ?? '']),
    architecture: architecture ?? '',
    memory: String(memoryBytes ?? ''),
    append: append ?? '',
    expect: JSON.stringify(expected),
  };
}

function settingsOf({ memoryBytes = 512 * 2 ** 20, timeoutMs = 120_000, append, expect = [] }: BootSpec) {
  const memoryMiB = memoryBytes / 2 ** 20;
  if (!Number.isInteger(memoryMiB) || memoryMiB < 32 || memoryMiB > 65_536)
    throw new PortkitError('PK1004', `A machine with ${memoryBytes} bytes of memory is not allowed`, {
      hint: 'Write 32MiB to 64GiB, in whole MiB',
    });
  if (!(timeoutMs >= 1000 && timeoutMs <= 3600e3))
    throw new PortkitError('PK1004', `A boot that may take ${timeoutMs} ms is not allowed`, { hint: 'Write 1s to 1h' });
  if (append !== undefined && !/^[\x20-\x7e]{0,1024}$/.test(append))
    throw new PortkitError('PK1004', 'The words for the kernel are not allowed', {
      hint: 'append has at most 1024 characters of ASCII, and no line breaks',
    });
  return { memoryMiB, timeoutMs, ...(append !== undefined && { append }), files: expect.map(expectation) };
}

function expectation({ path, sha256, text }: NonNullable<BootSpec['expect']>[number]): BootRequest['files'][number] {
  const isSound = path.startsWith('/') && !path.includes('\0') && /^[0-9a-f]{64}$/.test(sha256 ?? '0'.repeat(64));
  if (!isSound || (sha256 !== undefined && text !== undefined))
    throw new PortkitError('PK1004', `The expectation of ${JSON.stringify(path.slice(0, 100))} is not allowed`, {
      hint: 'Give an absolute path, and either the SHA-256 of the file as 64 lower-case hex digits or its text',
    });
  if (text !== undefined) return { path, sha256: createHash('sha256').update(text).digest('hex') };
  return { path, ...(sha256 !== undefined && { sha256 }) };
}

interface Images {
  readonly kernel: Digest;
  readonly initrd?: Digest;
  readonly rootfs?: Digest;
}

function imagesOf({ kernel, initrd, rootfs }: BootSpec, inputs: readonly Ref[]): Images {
  const image = (at: number): Digest => {
    const input = inputs[at];
    if (input === undefined) throw new PortkitError('PK3306', `The step has no input ${at}`);
    return ofKind(input, 'blob');
  };
  return {
    kernel: image(kernel),
    ...(initrd !== undefined && { initrd: image(initrd) }),
    ...(rootfs !== undefined && { rootfs: image(rootfs) }),
  };
}

async function architectureOf(kernel: Digest, world: FileWorld, context: OpContext): Promise<BootRequest['architecture']> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of await openInput(kernel, world, context)) {
    parts.push(part);
    size += part.length;
    if (size >= headerSize) break;
  }
  const { architecture } = readHeader(Buffer.concat(parts).subarray(0, headerSize));
  if (architecture === 'x86_64' || architecture === 'aarch64') return architecture;
  throw new PortkitError('PK3806', `The kernel does not say that it is for x86_64 or aarch64`, {
    hint: 'Write architecture = "x86_64" or "aarch64"',
  });
}

async function fill(write: Scratch['write'], content: AsyncIterable<Uint8Array>): Promise<void> {
  let position = 0;
  for await (const bytes of content) {
    write(bytes, position);
    position += bytes.length;
  }
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
