import type { ByteString } from '../../base/byte-string.ts';
import { PortkitError } from '../../base/errors.ts';
import { suggest } from '../../base/suggest.ts';
import type { Ref } from '../../base/ref.ts';
import type { TreeEdit } from '../../graph/ops.ts';
import { attributesOf } from '../../store/trees/overlay.ts';
import { joinPath, sameBytes } from '../../store/trees/path.ts';
import type { DecompressWorld } from '../decompress.ts';
import { ofKind } from '../input.ts';
import { findModules, needsOf, plainName } from '../modules/find.ts';
import type { KernelModules, ModuleFile, ModuleTree } from '../modules/find.ts';
import { plainFile } from './attributes.ts';
import { putAt } from './lay.ts';
import type { Making } from './lay.ts';
import { editPath } from './paths.ts';

/**
 * Adds modules of a kernel with everything they need, below a folder by the kernel's release, and the `modules.dep` that
 * says how to load them (modules.dep(5)): for each module those it needs, the one to load first at the end. What the kernel
 * has built in needs no file.
 */
export async function addKernelModules(
  making: Making,
  edit: Extract<TreeEdit, { kernelModules: string }>,
  { input, world }: { readonly input: Ref; readonly world: DecompressWorld },
): Promise<void> {
  const source = { tree: ofKind(input, 'tree'), access: making.scratch.access, world };
  const modules = await findModules(source, edit.release);
  const wanted = await withNeeds(edit.names, modules, source);
  const folder = joinPath(editPath(edit.kernelModules).path, modules.release);
  for (const { path, file } of wanted.values()) {
    const { content, size } = file;
    await putAt(making, joinPath(folder, path), { ...attributesOf(file), type: 'file', content, size });
  }
  await putText(making, joinPath(folder, sameBytes('modules.dep')), dependencyList(wanted));
  if (edit.releaseFile !== undefined) await putText(making, editPath(edit.releaseFile).path, `${modules.release}\n`);
}

/** A module that is taken, and the names of those it asks for itself. */
type Wanted = ReadonlyMap<string, ModuleFile & { readonly needs: readonly string[] }>;

async function withNeeds(names: readonly string[], modules: KernelModules, source: ModuleTree): Promise<Wanted> {
  const wanted = new Map<string, ModuleFile & { readonly needs: readonly string[] }>();
  const waiting: { name: string; by?: string }[] = names.map((name) => ({ name: plainName(name) }));
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { name, by } = next;
    if (wanted.has(name) || modules.builtin.has(name)) continue;
    const found = modules.files.get(name);
    if (found === undefined) throw missing(name, by, modules);
    const needs = (await needsOf(found, source)).filter((one) => !modules.builtin.has(one));
    wanted.set(name, { ...found, needs });
    waiting.push(...needs.map((one) => ({ name: one, by: name })));
  }
  return wanted;
}

function missing(name: string, by: string | undefined, { release, files }: KernelModules): PortkitError {
  const near = suggest(name, [...files.keys()]);
  const asked = by === undefined ? '' : `, which ${by} needs`;
  return new PortkitError('PK3811', `The kernel ${release} has no module ${JSON.stringify(name.slice(0, 100))}${asked}`, {
    hint: near === undefined ? 'Its modules.builtin does not name it either' : `Did you mean "${near}"?`,
  });
}

function dependencyList(wanted: Wanted): string {
  const lines = [...wanted].map(([name, { path }]) => {
    const before = loadedBefore(name, wanted).map((one) => ` ${wanted.get(one)?.path ?? ''}`);
    return `${path}:${before.join('')}\n`;
  });
  return lines.toSorted().join('');
}

/** Everything that has to be loaded before a module; the first one last. */
function loadedBefore(name: string, wanted: Wanted): readonly string[] {
  const needsLeft = (of: string): string[] => [...(wanted.get(of)?.needs ?? [])];
  const loaded = new Set<string>();
  const entered = new Set([name]);
  const open = [{ name, left: needsLeft(name) }];
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const next = top.left.shift();
    if (next === undefined) {
      loaded.add(top.name);
      open.pop();
    } else if (!entered.has(next)) {
      entered.add(next);
      open.push({ name: next, left: needsLeft(next) });
    }
  }
  loaded.delete(name);
  return [...loaded].toReversed();
}

async function putText(making: Making, path: ByteString, text: string): Promise<void> {
  const bytes = Buffer.from(text, 'latin1');
  await putAt(making, path, { ...plainFile, type: 'file', content: making.scratch.add(bytes), size: bytes.length });
}
