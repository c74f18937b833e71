import { statSync } from 'node:fs';
import { showBytes } from '../../base/byte-string.ts';
import { printable } from '../../base/printable.ts';
import { showSize } from '../../base/units.ts';
import { summaryOf } from '../../formats/ext4/read/summary.ts';
import type { Ext4Summary } from '../../formats/ext4/read/summary.ts';
import type { FileEntry } from '../../formats/file-tree.ts';
import { compareTrees } from '../../images/compare.ts';
import type { Invocation } from '../command.ts';
import { flag, textOption } from '../values.ts';
import { describeFile } from './describe.ts';
import { sourceOf } from './options.ts';
import { treeFrom } from './source.ts';

/** `image inspect FILE`. */
export async function inspectImage([from]: readonly [string], { options, signal, print }: Invocation): Promise<number> {
  const source = sourceOf(from, options);
  const described =
    from === '-' || statSync(from, { throwIfNoEntry: false })?.isFile() !== true
      ? undefined
      : describeFile(from, source.partition);
  if (described !== undefined) {
    const { format, data, lines } = described;
    if (flag(options, 'json')) print(JSON.stringify({ file: from, format, ...data }, undefined, 2));
    else print([`${from}: ${lines[0]}`, ...lines.slice(1)].map(printable).join('\n'));
    return 0;
  }
  using tree = await treeFrom(source, signal);
  const { format, entries, image } = tree;
  const summary = image === undefined ? undefined : describeImage(summaryOf(image));
  const names = countBy(entries);
  const bytes = entries.reduce((sum, entry) => sum + (entry.type === 'file' ? entry.size : 0), 0);
  if (flag(options, 'json')) {
    const listed = flag(options, 'tree') ? { entries: entries.map(jsonEntry) } : {};
    print(JSON.stringify({ file: from, format, names, bytes, ...summary, ...listed }, undefined, 2));
  } else if (flag(options, 'tree')) for (const entry of entries) print(listLine(entry));
  else {
    const counts = Object.entries(names).map(([type, count]) => `${count} ${type}`);
    const facts = Object.entries(summary ?? {}).map(([name, value]) => `  ${name}: ${printable(String(value))}`);
    print([`${printable(from)}: ${format}, ${showSize(bytes)} in ${counts.join(', ')}`, ...facts].join('\n'));
  }
  return 0;
}

function describeImage({ label, ...rest }: Ext4Summary): Readonly<Record<string, unknown>> {
  return { label: showBytes(label), ...rest };
}

function countBy(entries: readonly FileEntry[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { type } of entries) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}

function jsonEntry(entry: FileEntry): object {
  const shown = { ...entry, path: `/${showBytes(entry.path)}`, content: undefined };
  const linked = 'target' in entry ? { target: showBytes(entry.target) } : {};
  if (entry.type === 'hardlink') return { ...shown, ...linked };
  const xattrs = entry.xattrs.map(({ name, value }) => [showBytes(name), Buffer.from(value).toString('base64')]);
  return { ...shown, ...linked, mode: octal(entry.mode), xattrs: Object.fromEntries(xattrs) };
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

/** `0755 0:0 file 12 /path`, with the target of a link and the numbers of a device. */
function listLine(entry: FileEntry): string {
  const path = printable(`/${showBytes(entry.path)}`);
  if (entry.type === 'hardlink') return `${path} = ${printable(`/${showBytes(entry.target)}`)}`;
  const { mode, uid, gid, type } = entry;
  const line = `${octal(mode)} ${uid}:${gid} ${type}`;
  if (entry.type === 'file') return `${line} ${entry.size} ${path}`;
  if (entry.type === 'symlink') return `${line} ${path} -> ${printable(showBytes(entry.target))}`;
  return entry.type === 'char' || entry.type === 'block' ? `${line} ${entry.major}:${entry.minor} ${path}` : `${line} ${path}`;
}

const marks = { added: '+', removed: '-', changed: '~' } as const;

/** `image diff A B`: 0 when they are alike, 1 with what differs, as diff does. */
export async function diffImages([a, b]: readonly [string, string], invocation: Invocation): Promise<number> {
  const { options, signal, print } = invocation;
  const reference = textOption(options, 'reference');
  using before = await treeFrom({ from: a, reference }, signal);
  using after = await treeFrom({ from: b, reference }, signal);
  const json: object[] = [];
  let count = 0;
  for await (const { path, change, properties } of compareTrees(before, after, signal)) {
    count += 1;
    const shown = `/${showBytes(path)}`;
    if (flag(options, 'json')) json.push({ path: shown, change, properties });
    else
      print(
        printable(
          `${marks[change]} ${shown}${properties
            .map((one) => `; ${one}`)
            .join('')
            .replace(';', ':')}`,
        ),
      );
  }
  if (flag(options, 'json')) print(JSON.stringify({ differences: json }, undefined, 2));
  return count === 0 ? 0 : 1;
}
