import { wireConvert } from './convert.ts';
import type { ConvertOver } from './convert.ts';
import type { Graph, Input, Location, Vertex } from './graph.ts';
import type { OpSpec } from './ops.ts';
import { problemsError } from './problem.ts';
import { withSources } from './sources.ts';
import { validate } from './validate.ts';
import type { BootOver, DiskOver, EditOver, ExecOver, Wired } from './wire.ts';
import type { OciOver, SbomOver } from './wire-postprocess.ts';
import { wireOci, wireSbom } from './wire-postprocess.ts';
import type { DeployOver, ExternalOver } from './wire-program.ts';
import { wireDeploy, wireExternal } from './wire-program.ts';
import { wireBoot, wireDisk, wireExec, wireTree } from './wire.ts';

/** A step of the graph that is being made, to be used as an input of later steps or as a target. */
export interface Handle {
  readonly name: string;
  readonly input: Input;
}

type SpecOf<T extends OpSpec['type']> = Omit<Extract<OpSpec, { type: T }>, 'type'>;

/** One function for each kind of step. The name is for people; leave the rest out where it has a default. */
export interface Steps {
  readonly fetch: (name: string, spec: SpecOf<'fetch'>) => Handle;
  readonly local: (name: string, spec: SpecOf<'local'>) => Handle;
  readonly git: (name: string, spec: SpecOf<'git'>) => Handle;
  readonly image: (name: string, spec: SpecOf<'image'>) => Handle;
  readonly deb: (name: string, spec: SpecOf<'deb'>) => Handle;
  readonly exec: (name: string, spec: ExecOver<Handle>) => Handle;
  readonly tree: (name: string, edits: readonly EditOver<Handle>[]) => Handle;
  readonly merge: (name: string, from: readonly Handle[]) => Handle;
  readonly extract: (name: string, from: Handle, spec?: SpecOf<'extract'>) => Handle;
  readonly archive: (name: string, from: Handle, spec?: SpecOf<'archive'>) => Handle;
  /** With `kernel`, the kernel that shall unpack it is asked whether it can. */
  readonly cpio: (name: string, from: Handle, spec?: SpecOf<'cpio'> & { readonly kernel?: Handle }) => Handle;
  readonly ext4: (name: string, from: Handle, spec?: SpecOf<'ext4'>) => Handle;
  readonly disk: (name: string, spec: DiskOver<Handle>) => Handle;
  readonly verity: (name: string, from: Handle, spec?: SpecOf<'verity'>) => Handle;
  readonly squashfs: (name: string, from: Handle, spec?: SpecOf<'squashfs'>) => Handle;
  readonly erofs: (name: string, from: Handle, spec?: SpecOf<'erofs'>) => Handle;
  readonly vfat: (name: string, from: Handle, spec?: SpecOf<'vfat'>) => Handle;
  readonly compress: (name: string, from: Handle, spec: SpecOf<'compress'>) => Handle;
  readonly decompress: (name: string, from: Handle, spec?: SpecOf<'decompress'>) => Handle;
  readonly provenance: (name: string, of: Handle, spec?: Omit<SpecOf<'provenance'>, 'steps'>) => Handle;
  readonly sign: (name: string, from: Handle, spec: SpecOf<'sign'>) => Handle;
  readonly verify: (name: string, from: Handle, spec: SpecOf<'verify'>) => Handle;
  readonly vmlinux: (name: string, from: Handle, spec?: SpecOf<'vmlinux'>) => Handle;
  readonly oci: (name: string, spec: OciOver<Handle>) => Handle;
  readonly sbom: (name: string, spec: SbomOver<Handle>) => Handle;
  readonly convert: (name: string, spec: ConvertOver<Handle>) => Handle;
  readonly rewriteTimestamps: (name: string, from: Handle, spec: SpecOf<'rewriteTimestamps'>) => Handle;
  readonly external: (name: string, spec: ExternalOver<Handle>) => Handle;
  /** Built only when it is named as a target; nothing can use it. */
  readonly deploy: (name: string, spec: DeployOver<Handle>) => Handle;
  readonly boot: (name: string, spec: BootOver<Handle>) => Handle;
}

/**
 * A graph written in TypeScript: the function makes steps and answers its targets.
 *
 *     graph(({ local, exec }) => {
 *       const src = local('src', { path: 'agent' });
 *       return { agent: exec('agent', { argv: ['make', '-C', '/in/src'], inputs: { src } }) };
 *     });
 *
 * Throws one PortkitError with every problem, each at the line that made the step.
 */
export function graph(define: (steps: Steps) => Readonly<Record<string, Handle>>): Graph {
  const vertices: Vertex[] = [];
  const made = new WeakSet<Handle>();

  function add(name: string, { op, inputs }: Wired<Handle>): Handle {
    const foreign = inputs.find((handle) => !made.has(handle));
    const location = callerOf(add);
    if (foreign !== undefined) throw foreignHandle(name, foreign, location);
    const handle: Handle = { name, input: { vertex: vertices.length, output: 0 } };
    vertices.push({ name, op, inputs: inputs.map((input) => input.input), ...(location && { location }) });
    made.add(handle);
    return handle;
  }

  const targets = define({
    fetch: (name, spec) => add(name, { op: { type: 'fetch', ...spec }, inputs: [] }),
    local: (name, spec) => add(name, { op: { type: 'local', ...spec }, inputs: [] }),
    git: (name, spec) => add(name, { op: { type: 'git', ...spec }, inputs: [] }),
    image: (name, spec) => add(name, { op: { type: 'image', ...spec }, inputs: [] }),
    deb: (name, spec) => add(name, { op: { type: 'deb', ...spec }, inputs: [] }),
    exec: (name, spec) => add(name, wireExec(spec)),
    tree: (name, edits) => add(name, wireTree(edits)),
    merge: (name, from) => add(name, { op: { type: 'merge' }, inputs: from }),
    extract: (name, from, spec) => add(name, { op: { type: 'extract', ...spec }, inputs: [from] }),
    archive: (name, from, spec) => add(name, { op: { type: 'archive', format: 'tar', ...spec }, inputs: [from] }),
    cpio: (name, from, { kernel, ...spec } = {}) =>
      add(name, { op: { type: 'cpio', ...spec }, inputs: kernel === undefined ? [from] : [from, kernel] }),
    ext4: (name, from, spec) => add(name, { op: { type: 'ext4', ...spec }, inputs: [from] }),
    disk: (name, spec) => add(name, wireDisk(spec)),
    verity: (name, from, spec) => add(name, { op: { type: 'verity', ...spec }, inputs: [from] }),
    squashfs: (name, from, spec) => add(name, { op: { type: 'squashfs', ...spec }, inputs: [from] }),
    erofs: (name, from, spec) => add(name, { op: { type: 'erofs', ...spec }, inputs: [from] }),
    vfat: (name, from, spec) => add(name, { op: { type: 'vfat', ...spec }, inputs: [from] }),
    compress: (name, from, spec) => add(name, { op: { type: 'compress', ...spec }, inputs: [from] }),
    decompress: (name, from, spec) => add(name, { op: { type: 'decompress', ...spec }, inputs: [from] }),
    provenance: (name, of, spec) => add(name, { op: { type: 'provenance', ...spec }, inputs: [of] }),
    sign: (name, from, spec) => add(name, { op: { type: 'sign', ...spec }, inputs: [from] }),
    verify: (name, from, spec) => add(name, { op: { type: 'verify', ...spec }, inputs: [from] }),
    vmlinux: (name, from, spec) => add(name, { op: { type: 'vmlinux', ...spec }, inputs: [from] }),
    oci: (name, spec) => add(name, wireOci(spec)),
    sbom: (name, spec) => add(name, wireSbom(spec)),
    convert: (name, spec) => add(name, wireConvert(spec)),
    rewriteTimestamps: (name, from, spec) => add(name, { op: { type: 'rewriteTimestamps', ...spec }, inputs: [from] }),
    external: (name, spec) => add(name, wireExternal(spec)),
    deploy: (name, spec) => add(name, wireDeploy(spec)),
    boot: (name, spec) => add(name, wireBoot(spec)),
  });

  for (const [name, handle] of Object.entries(targets)) if (!made.has(handle)) throw foreignHandle(name, handle, undefined);
  const result = { vertices, targets: Object.fromEntries(Object.entries(targets).map(([name, { input }]) => [name, input])) };
  const problems = validate(result);
  if (problems.length > 0) throw problemsError(problems, () => undefined);
  return withSources(result);
}

function foreignHandle(name: string, handle: Handle, location: Location | undefined): Error {
  const message = `"${name}" uses "${handle.name}", which is no step of this graph`;
  return problemsError([{ code: 'PK1104', message, location }], () => undefined);
}

/** The line of the user's file that called the function of `Steps` which called `inner`. */
function callerOf(inner: (...args: never[]) => unknown): Location | undefined {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, inner);
  const frame = holder.stack?.split('\n')[2];
  const [, file, line, column] = /\(?(?:file:\/\/)?([^()\s]+):(\d+):(\d+)\)?$/.exec(frame ?? '') ?? [];
  return file === undefined ? undefined : { file, line: Number(line), column: Number(column) };
}
