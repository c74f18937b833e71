import { PortkitError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import type { Ref } from '../../base/ref.ts';
import type { Files } from './files.ts';
import { openBlob, treeFiles } from './files.ts';
import type { Contained, ImageWorld } from './image.ts';
import { containedIn } from './image.ts';
import type { InstalledPackage, OperatingSystem, Subject } from './inventory.ts';
import { kernelIn } from './kernel.ts';
import { malformed, mostPackages, readApk, readDpkg } from './packages.ts';
import type { Plan } from './plan.ts';
import { planOf } from './plan.ts';
import { readPlanned } from './read.ts';
import type { Read } from './read.ts';

type Known = Pick<Subject, 'system' | 'packages' | 'kernels' | 'programs' | 'unread'>;

const nothing: Known = { packages: [], kernels: [], programs: [], unread: [] };

/**
 * What is in an input: of a tree, and of an archive or image of one, the packages, kernels and programs; of another file the
 * kernel that it may be. A disk comes with its partitions behind it. An archive or image that cannot be read is told as such,
 * as nobody may take it for empty.
 */
export async function lookInto(name: string, { kind, digest }: Ref, world: ImageWorld): Promise<readonly Subject[]> {
  if (kind === 'tree') return [{ name, kind, digest, ...(await knownOf(treeFiles(digest, world), world)) }];
  const kernel = await kernelIn(await openBlob(digest, world), world);
  if (kernel !== undefined) return [{ name, kind, digest, ...nothing, kernels: [kernel] }];
  using held = new DisposableStack();
  let contained: readonly Contained[] = [];
  const whole = await orUnread(async () => {
    contained = await containedIn(digest, world, held);
    return nothing;
  });
  const told: Subject[] = [];
  for (const { partition, files } of contained) {
    const known = await orUnread(async () => {
      const found = await files();
      return found === undefined ? nothing : knownOf(found, world);
    });
    if (partition === undefined) return [{ name, kind, digest, ...known }];
    told.push({ name: `${name}/partition-${partition}`, kind: 'part', digest, ...known });
  }
  return [{ name, kind, digest, ...whole }, ...told];
}

async function orUnread(work: () => Promise<Known>): Promise<Known> {
  try {
    return await work();
  } catch (error) {
    // Archives, compression, ext4, disks: damaged, refused, not read, too large.
    if (error instanceof PortkitError && /^PK(?:330[1-4]|355[1-3]|3752)$/.test(error.code))
      return { ...nothing, unread: [printable(`${error.code}: ${error.message}`).slice(0, 500)] };
    throw error;
  }
}

async function knownOf(files: Files, world: ImageWorld): Promise<Known> {
  const plan = await planOf(files);
  const read = await readPlanned(plan, files, world);
  const system = systemOf(plan.system.map((file) => read.texts.get(file.content) ?? '').join(''));
  return {
    ...(system && { system }),
    packages: packagesOf(plan, read),
    kernels: plan.kernels.flatMap(({ path, content }) => {
      const kernel = read.kernels.get(content);
      return kernel === undefined ? [] : [{ ...kernel, path }];
    }),
    programs: plan.programs.flatMap(({ name, path, content }) => {
      const digest = read.programs.get(content);
      return digest === undefined ? [] : [{ name, path, digest }];
    }),
    unread: [...plan.unread, ...read.unread],
  };
}

function packagesOf({ dpkg, apk }: Plan, { texts }: Read): readonly InstalledPackage[] {
  const packages: InstalledPackage[] = [];
  function add(found: readonly InstalledPackage[], shown: string): void {
    for (const one of found) packages.push(one);
    if (packages.length > mostPackages) throw malformed(shown, `there are more than ${mostPackages} packages`);
  }
  for (const { path, content, isAll } of dpkg) add(readDpkg({ shown: path, text: texts.get(content) ?? '' }, isAll), path);
  for (const { path, content } of apk) add(readApk({ shown: path, text: texts.get(content) ?? '' }), path);
  return packages;
}

function systemOf(text: string): OperatingSystem | undefined {
  const id = /^ID=["']?([a-z0-9._-]{1,64})["']?$/m.exec(text)?.[1];
  const version = /^VERSION_ID=["']?([A-Za-z0-9._-]{1,64})["']?$/m.exec(text)?.[1];
  return id === undefined ? undefined : { id, ...(version !== undefined && { version }) };
}
