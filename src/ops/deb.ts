import { hexOf } from '../base/digest.ts';
import type { Digest } from '../base/digest.ts';
import { PortkitError } from '../base/errors.ts';
import type { Unxz } from '../formats/compression/decompress.ts';
import type { DebSpec } from '../graph/source-ops.ts';
import type { Facts, Op, Outcome } from '../solver/op.ts';
import { newTree, writeTree } from '../store/trees/editor.ts';
import { downloadPackage, findDependency } from './deb/apt.ts';
import type { AptWorld } from './deb/apt.ts';
import { unpackDeb } from './deb/unpack.ts';
import { checkedWord, packageName, wantedOf } from './deb/wanted.ts';
import type { LockedWorld, Wanted } from './deb/wanted.ts';
import type { Pins } from './fetch.ts';
import { WrongContent, checked } from './fetch/checksum.ts';
import type { FileWorld } from './input.ts';
import { asOutcome } from './outcome.ts';
import { takeFiles } from './take-files.ts';
import { implied } from './tar-entry.ts';

/** What Debian packages take of their builder. */
export interface DebWorld extends FileWorld, AptWorld, LockedWorld {
  readonly pin?: Pins;
  readonly unxz: Unxz;
}

/**
 * Debian packages, unpacked over each other in their order: their files alone, no script is run. The key is the digests of
 * the packages; those that the store has are not asked for again. Unpinned, it fails and says what to pin.
 */
export function debOp(spec: DebSpec, world: DebWorld): Op {
  let pinning: Promise<Outcome> | undefined;
  return {
    code: 'deb/1',
    pool: 'network',
    facts({ signal }) {
      if (world.pin?.set === undefined) return factsOf(spec, world);
      pinning ??= asOutcome(() => pinToday(spec, { ...world, signal }));
      return pinning.then(() => factsOf(spec, world));
    },
    async run(_, { signal }) {
      const outcome = await pinning;
      return outcome?.ok === false ? outcome : asOutcome(() => unpackAll(spec, { ...world, signal }));
    },
  };
}

function factsOf(spec: DebSpec, world: DebWorld): Facts {
  const names = wantedOf(spec, world).map(({ pinName, digest }) => digest ?? pinName);
  return { facts: Object.fromEntries(names.map((name, at) => [`package ${at + 1}`, name])) };
}

type RunWorld = DebWorld & { readonly signal: AbortSignal; readonly isNew?: boolean };

async function pinToday(spec: DebSpec, world: RunWorld): Promise<Outcome> {
  let isNew = true;
  for (const wanted of wantedOf(spec, world)) {
    if (wanted.digest !== undefined) continue;
    const chosen = wanted.depends === undefined ? wanted : await choose({ ...wanted, depends: wanted.depends }, world);
    world.pin?.set?.(chosen.pinName, await obtain(chosen, { ...world, isNew }));
    isNew = false;
  }
  return { ok: true, outputs: [] };
}

async function choose(wanted: Wanted & { readonly depends: string }, world: RunWorld): Promise<Wanted> {
  const { name, architecture } = wanted;
  const chosen = checkedWord(await findDependency(wanted, { world, signal: world.signal }), packageName, 'name');
  return { name: chosen, architecture, pinName: `deb:${name}>${chosen}:${architecture}`, digest: undefined };
}

async function unpackAll(spec: DebSpec, world: RunWorld): Promise<Outcome> {
  const { signal, blobs } = world;
  const editor = newTree(implied, { blobs, signal });
  const files = takeFiles(world, signal);
  const unpinned: string[] = [];
  for (const wanted of wantedOf(spec, world)) {
    if (wanted.depends !== undefined) {
      throw new PortkitError('PK3205', `Which package ${wanted.name} stands for is not in the lock`, {
        hint: 'Run "portkit update"',
      });
    }
    const digest = await obtain(wanted, world);
    if (wanted.digest === undefined) unpinned.push(`${wanted.name}: sha256 = "${hexOf(digest)}"`);
    const content = await blobs.open(digest, signal);
    if (content === undefined) throw new PortkitError('PK2002', `The blob ${digest} is not in the store`);
    if (unpinned.length === 0) await unpackDeb(editor, content, { ...world, files });
  }
  if (unpinned.length > 0)
    throw new PortkitError('PK3205', 'Debian packages are not pinned', {
      hint: `Write  ${unpinned.join(', ')}, or renew the lock`,
    });
  await files.finish();
  return { ok: true, outputs: [{ kind: 'tree', digest: await writeTree(editor) }] };
}

/** The package in the store, from there when it is pinned and has been here before. */
async function obtain(wanted: Wanted, world: RunWorld): Promise<Digest> {
  const { blobs, signal, isNew = false } = world;
  const { digest: pinned } = wanted;
  if (pinned !== undefined && (await blobs.stat(pinned, signal)) !== undefined) return pinned;
  try {
    return await downloadPackage(wanted, { world, signal, isNew }, async (content) => {
      const expected = pinned && { algorithm: 'sha256' as const, hex: hexOf(pinned) };
      return (await blobs.write(expected === undefined ? content : checked(content, expected), signal)).digest;
    });
  } catch (error) {
    if (!(error instanceof WrongContent)) throw error;
    throw new PortkitError('PK3202', `The package ${wanted.name} has sha256:${error.found.hex}, not what is pinned`, {
      hint: `Pinned is ${pinned}, a version that its source no longer gives: "portkit update" moves the pin of a lock`,
    });
  }
}
