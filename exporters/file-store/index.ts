import { archived } from '../../src/artifacts/archived.ts';
import type { ExportContext, Exported, Exporter, Prepared, Target } from '../../src/artifacts/exporter.ts';
import { contentOf } from '../../src/artifacts/content.ts';
import { showPlace } from '../../src/artifacts/copies/folder.ts';
import { examine, publishSealed } from '../../src/artifacts/copies/sealed.ts';
import type { TakeLock } from '../../src/artifacts/copies/sealed.ts';
import { stage } from '../../src/artifacts/copies/staged.ts';
import type { Staged } from '../../src/artifacts/copies/staged.ts';
import { parseReference } from '../../src/artifacts/model/reference.ts';
import type { Reference } from '../../src/artifacts/model/reference.ts';
import { PortkitError } from '../../src/base/errors.ts';
import { writeTar } from '../../src/formats/tar/write.ts';
import { checkNames, chooseTargets } from '../files/choose.ts';
import { checkDirectory } from '../files/destination.ts';
import { layout } from '../files/layout.ts';
import { startTally } from '../files/tally.ts';
import type { Tally } from '../files/tally.ts';

/** What an output in a file store is to be. */
export interface FileStoreOutput {
  /** The root of the store, absolute. */
  readonly dest: string;
  /** `registry/repository:version`. */
  readonly name: string;
  readonly target: readonly string[];
}

/**
 * Writes each result as `ROOT/registry/repository/version/NAME`, a tree as `NAME.tar`, with its digest beside it for whoever
 * reads it later.
 */
export function fileStoreExporter(output: FileStoreOutput, { takeLock }: { readonly takeLock: TakeLock }): Exporter {
  const reference = parseReference(output.name);
  return {
    check(targets) {
      checkNames(output.target, targets);
      checkDirectory(output.dest);
    },
    prepare: (targets, context) =>
      prepare({ ...output, targets: chooseTargets(output.target, targets), reference, takeLock }, context),
  };
}

interface Export extends FileStoreOutput {
  readonly targets: readonly Target[];
  readonly reference: Reference;
  readonly takeLock: TakeLock;
}

/** One result on its way: where it goes, and its new bytes unless they are there. */
interface Ready {
  readonly exported: Exported;
  readonly staged: Staged | undefined;
}

async function prepare(one: Export, context: ExportContext): Promise<Prepared> {
  const open = new DisposableStack();
  try {
    checkFiles(one.targets);
    const ready: Ready[] = [];
    for (const target of one.targets) ready.push(await makeReady(target, one, { context, open }));
    const staged = ready.flatMap((file) => file.staged ?? []);
    return {
      async publish(signal) {
        signal.throwIfAborted();
        if (staged.length > 0) await publishSealed(staged, { folder: one.dest, takeLock: one.takeLock, signal });
        return {
          type: 'file-store',
          destination: one.dest,
          exported: ready.map(({ exported }) => exported),
          written: staged.length,
          unchanged: ready.length - staged.length,
          warnings: [],
        };
      },
      [Symbol.dispose]: () => open.dispose(),
    };
  } catch (error) {
    open.dispose();
    throw error;
  }
}

/** The names of files in a store are read by others, as parts of paths and of seals. */
function checkFiles(targets: readonly Target[]): void {
  const seen = new Set<string>();
  for (const file of targets.flatMap((target) => (target.ref.kind === 'tree' ? [fileOf(target), target.name] : [target.name]))) {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/.test(file) || file.endsWith('.sha256')) {
      throw new PortkitError('PK3405', `${JSON.stringify(file.slice(0, 250))} cannot be a file of a store`, {
        hint: 'Names in a file store are letters, digits and . _ -, and do not end with .sha256; rename the target',
      });
    }
    if (seen.has(file)) throw new PortkitError('PK3405', `Two targets want to be ${file} in the store`);
    seen.add(file);
  }
}

function fileOf({ name, ref }: Target): string {
  return ref.kind === 'tree' ? `${name}.tar` : name;
}

async function makeReady(
  target: Target,
  { dest, reference }: Export,
  { context, open }: { readonly context: ExportContext; readonly open: DisposableStack },
): Promise<Ready> {
  const { registry, repository, version } = reference;
  const place = { root: dest, path: [registry, repository, version, fileOf(target)].join('/') };
  const path = showPlace(place);
  const there = await examine(place, context.signal);
  const digest = there.state === 'whole' ? there.digest : undefined;
  if (there.state === 'whole' && digest === target.ref.digest) {
    return { exported: { target: target.name, ref: target.ref, path, files: 1, bytes: there.size }, staged: undefined };
  }
  const tally = startTally([target]);
  const staged = open.use(await stage(place, bytesOf(target, tally, context), context.signal));
  const [exported] = tally.exported(() => path);
  if (exported === undefined) throw new Error('A target is not in its own tally');
  return { exported, staged: staged.digest === digest ? undefined : staged };
}

/** The bytes of the file that a result becomes. */
async function* bytesOf(target: Target, tally: Tally, context: ExportContext): AsyncGenerator<Uint8Array> {
  const { blobs, signal } = context;
  async function* counted(): ReturnType<typeof layout> {
    for await (const placed of layout([target], [], context)) {
      tally.add(placed);
      yield placed;
    }
  }
  if (target.ref.kind === 'tree') yield* writeTar(archived(counted(), blobs, signal), signal);
  else for await (const { item } of counted()) if (item.type === 'file') yield* contentOf(item, blobs, signal);
}
