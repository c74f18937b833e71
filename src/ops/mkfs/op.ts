import { fileTreeOf } from '../../artifacts/file-tree.ts';
import { adjusted } from '../../formats/adjust.ts';
import type { FileTree } from '../../formats/file-tree.ts';
import { digestOfEntries } from '../../formats/tree-identity.ts';
import type { ErofsSpec, SquashfsSpec, VfatSpec } from '../../graph/disk-ops.ts';
import type { Op } from '../../solver/op.ts';
import { listTree } from '../../store/trees/list.ts';
import { onlyInput } from '../input.ts';
import type { FileWorld } from '../input.ts';
import { asOutcome } from '../outcome.ts';
import { piecesOf } from '../scratch-file.ts';
import { erofsTool, makeErofs } from './erofs.ts';
import type { MadeImage, MkfsWorld } from './program.ts';
import { makeSquashfs, squashfsTool } from './squashfs.ts';
import { makeVfat, vfatTool } from './vfat.ts';

/** What the ops with programs that make images are lent. */
export type MkfsOpWorld = FileWorld & MkfsWorld;

interface Call {
  readonly world: MkfsWorld;
  readonly signal: AbortSignal;
}

type Made = (tree: FileTree & { readonly identity: string }, call: Call) => Promise<MadeImage>;
type Tool = (world: MkfsWorld, signal: AbortSignal) => Promise<string>;

/** A tree as a squashfs image. */
export function squashfsOp(spec: SquashfsSpec, world: MkfsOpWorld): Op {
  return opOf(spec, world, { tool: squashfsTool, made: (tree, call) => makeSquashfs(tree, spec, call) });
}

/** A tree as an erofs image. */
export function erofsOp(spec: ErofsSpec, world: MkfsOpWorld): Op {
  const tool: Tool = async (one, signal) => (await erofsTool(one, signal)).version;
  return opOf(spec, world, { tool, made: (tree, call) => makeErofs(tree, { ...spec, identity: tree.identity }, call) });
}

/** A tree as a vfat image, such as an EFI system partition. */
export function vfatOp(spec: VfatSpec, world: MkfsOpWorld): Op {
  return opOf(spec, world, {
    tool: vfatTool,
    made: (tree, call) => makeVfat(tree, { ...spec, identity: tree.identity }, call),
  });
}

function opOf(
  spec: SquashfsSpec | ErofsSpec | VfatSpec,
  world: MkfsOpWorld,
  { tool, made }: { readonly tool: Tool; readonly made: Made },
): Op {
  const { type, mtime, ...rest } = spec;
  const { blobs } = world;
  return {
    code: `${type}/1`,
    pool: 'cpu',
    facts: async ({ signal }) => ({
      facts: { tool: await tool(world, signal), mtime: `${mtime ?? ''}`, ...factsOf(rest) },
    }),
    run: (inputs, { signal, transfer }) =>
      asOutcome(async () => {
        const tree = await fileTreeOf(listTree(onlyInput(inputs, 'tree'), { blobs, signal }), blobs);
        const timed = adjusted(tree, mtime === undefined ? {} : { time: mtime });
        using image = await made({ ...timed, identity: identityOf(timed) }, { world, signal });
        const { digest, size } = await blobs.write(piecesOf(image.fd), signal);
        transfer(size, size);
        return { ok: true, outputs: [{ kind: 'blob', digest }] };
      }),
  };
}

/** Everything of a tree, its contents by their digests: what names an image is derived from it. */
function identityOf({ entries }: FileTree): string {
  const contents = entries.map((entry) => (entry.type === 'file' ? entry.content : '')).join('\n');
  return digestOfEntries(entries, contents).toString('hex');
}

function factsOf(rest: object): Readonly<Record<string, string>> {
  const given = Object.entries(rest).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, `${value}`]));
}
