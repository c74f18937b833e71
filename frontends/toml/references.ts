import { posix } from 'node:path';
import type { Path } from './findings.ts';

/** A text that names the result of a step, and where in the step it stands. */
export interface Reference {
  readonly text: string;
  readonly path: Path;
}

/** Every reference of a step. Asks nothing of the step's form, so that steps with other faults are searched too. */
export function referencesOf(step: unknown): readonly Reference[] {
  const found: Reference[] = [];
  function add(text: unknown, ...path: Path): void {
    if (typeof text === 'string') found.push({ text, path });
  }
  function addVariant(variant: Readonly<Record<string, unknown>>, at: Path): void {
    add(variant['from'], ...at, 'from');
    add(variant['config_from'], ...at, 'config_from');
    for (const [layer, each] of list(variant['layers']).entries()) add(table(each)['from'], ...at, 'layers', layer, 'from');
  }
  const kinds = table(step);
  for (const kind of Object.keys(kinds)) {
    const value = kinds[kind];
    if (kind === 'exec') {
      const { inputs, root } = table(value);
      const named = table(inputs);
      for (const name of Object.keys(named)) add(named[name], kind, 'inputs', name);
      if (root !== 'host') add(root, kind, 'root');
    } else if (kind === 'merge') for (const [at, input] of list(value).entries()) add(input, kind, at);
    else if (kind === 'tree') {
      for (const [at, edit] of list(value).entries()) {
        const { copy, from } = table(edit);
        add(copy, kind, at, 'copy');
        add(from, kind, at, 'from');
      }
    } else if (kind === 'disk') {
      for (const [at, partition] of list(table(value)['partitions']).entries())
        add(table(partition)['from'], kind, 'partitions', at, 'from');
    } else if (kind === 'oci') {
      const oci = table(value);
      addVariant(oci, [kind]);
      for (const [at, variant] of list(oci['variants']).entries()) addVariant(table(variant), [kind, 'variants', at]);
    } else if (kind === 'sbom') {
      const { of, attach } = table(value);
      const named = table(of);
      for (const name of Object.keys(named)) add(named[name], kind, 'of', name);
      add(attach, kind, 'attach');
    } else if (kind === 'external' || kind === 'deploy') {
      const { from, inputs, root, postprocessor } = table(value);
      add(from, kind, 'from');
      const named = table(inputs);
      for (const name of Object.keys(named)) add(named[name], kind, 'inputs', name);
      if (root !== 'host') add(root, kind, 'root');
      if (typeof postprocessor === 'string') add(moduleReference(postprocessor), kind, 'postprocessor');
    } else if (kind === 'boot') for (const image of ['kernel', 'initrd', 'rootfs']) add(table(value)[image], kind, image);
    else if (formats.has(kind)) {
      add(table(value)['from'], kind, 'from');
      if (kind === 'cpio') add(table(value)['kernel'], kind, 'kernel');
    }
  }
  return found;
}

/** The kinds of step that work on one input. */
const formats: ReadonlySet<string> = new Set([
  'extract',
  'archive',
  'cpio',
  'ext4',
  'verity',
  'provenance',
  'sign',
  'verify',
  'squashfs',
  'erofs',
  'vfat',
  'compress',
  'decompress',
  'vmlinux',
  'convert',
  'rewrite_timestamps',
]);

/** Where a module is found: a file of the project, or a package in its `node_modules`. */
export function moduleReference(postprocessor: string): string {
  if (/^\.{0,2}\//.test(postprocessor)) return `local:${posix.normalize(postprocessor)}`;
  return `local:node_modules/${postprocessor.split('/', postprocessor.startsWith('@') ? 2 : 1).join('/')}`;
}

/** `step:NAME` or `step:NAME[CELL]` in its parts; undefined when it is no reference to a step. */
export function stepReference(reference: string): { readonly name: string; readonly cell: string | undefined } | undefined {
  if (!reference.includes('['))
    return reference.startsWith('step:') && !reference.includes(']') ? { name: reference.slice(5), cell: undefined } : undefined;
  const [, name, cell] = /^step:([^[\]]+)(?:\[([^[\]]*)\])?$/.exec(reference) ?? [];
  return name === undefined ? undefined : { name, cell };
}

function table(value: unknown): Readonly<Record<string, unknown>> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- any object can be asked for any key
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
