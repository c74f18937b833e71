import type { OpSpec } from '../../../src/graph/ops.ts';
import type { Wired } from '../../../src/graph/wire.ts';
import { wireConvert } from '../../../src/graph/convert.ts';
import { wireOci, wireSbom } from '../../../src/graph/wire-postprocess.ts';
import { wireDeploy, wireExternal } from '../../../src/graph/wire-program.ts';
import { wireBoot, wireDisk, wireExec, wireTree } from '../../../src/graph/wire.ts';
import type { Step } from '../schema/definition.ts';
import { attest } from './attest.ts';
import { boot } from './boot.ts';
import type { Complain } from './complain.ts';
import { disk, vfat } from './disk.ts';
import { exec } from './exec.ts';
import { ext4 } from './ext4.ts';
import { oci, sbom } from './postprocess.ts';
import { deploy, external } from './program.ts';
import { deb, fetch, git, image, local } from './sources.ts';
import { tree } from './tree.ts';

/** The op of a step and the references it works on; undefined when the step does not say what it is. */
export function lowerStep(step: Step, folder: string, complain: Complain): Wired<string> | undefined {
  const kinds = Object.keys(step).filter((key) => key !== 'matrix');
  const [kind, second] = kinds;
  if (kind === undefined) {
    complain(
      [],
      'the step does not say what it is',
      'give it one of the keys fetch, local, git, image, deb, exec, tree, merge, extract, …',
    );
    return undefined;
  }
  if (second !== undefined) complain([second], `a step has one kind, not ${kinds.join(' and ')}`);
  if (step.exec !== undefined) return wireExec(exec(step.exec, complain));
  if (step.tree !== undefined) return wireTree(tree(step.tree, complain));
  if (step.disk !== undefined) return wireDisk(disk(step.disk, complain));
  if (step.boot !== undefined) return wireBoot(boot(step.boot, complain));
  if (step.merge !== undefined) return { op: { type: 'merge' }, inputs: step.merge };
  if (step.fetch !== undefined) return source(fetch(step.fetch, complain));
  if (step.local !== undefined) return source(local(step.local, folder));
  if (step.git !== undefined) return source(git(step.git));
  if (step.image !== undefined) return source(image(step.image, folder, complain));
  if (step.deb !== undefined) return source(deb(step.deb));
  if (step.ext4 !== undefined) return { op: ext4(step.ext4, complain), inputs: [step.ext4.from] };
  if (step.vfat !== undefined) return { op: vfat(step.vfat, complain), inputs: [step.vfat.from] };
  return lowerPostprocess(step, complain) ?? attest(step) ?? lowerFormat(step);
}

/** The kinds of postprocessing. */
function lowerPostprocess(
  step: Pick<Step, 'oci' | 'sbom' | 'convert' | 'external' | 'deploy' | 'rewrite_timestamps'>,
  complain: Complain,
): Wired<string> | undefined {
  if (step.oci !== undefined) return wireOci(oci(step.oci, complain));
  if (step.sbom !== undefined) return wireSbom(sbom(step.sbom, complain));
  if (step.external !== undefined) return wireExternal(external(step.external, complain));
  if (step.deploy !== undefined) return wireDeploy(deploy(step.deploy, complain));
  if (step.convert !== undefined) return wireConvert(step.convert);
  const times = step.rewrite_timestamps;
  return times && over({ type: 'rewriteTimestamps', latest: times.latest }, times);
}

/** The kinds with one input. */
function lowerFormat(
  step: Pick<Step, 'extract' | 'archive' | 'cpio' | 'verity' | 'squashfs' | 'erofs' | 'compress' | 'decompress' | 'vmlinux'>,
): Wired<string> | undefined {
  if (step.extract !== undefined) return over({ type: 'extract' }, step.extract);
  if (step.archive !== undefined) return over({ type: 'archive', format: 'tar' }, step.archive);
  if (step.cpio !== undefined) {
    const { kernel, ...rest } = step.cpio;
    const { op, inputs } = over({ type: 'cpio' }, rest);
    return { op, inputs: kernel === undefined ? inputs : [...inputs, kernel] };
  }
  if (step.verity !== undefined) return over({ type: 'verity' }, step.verity);
  if (step.squashfs !== undefined) return over({ type: 'squashfs' }, step.squashfs);
  if (step.erofs !== undefined) return over({ type: 'erofs' }, step.erofs);
  if (step.compress !== undefined) return over({ type: 'compress', format: step.compress.format }, step.compress);
  if (step.decompress !== undefined) return over({ type: 'decompress' }, step.decompress);
  return step.vmlinux === undefined ? undefined : over({ type: 'vmlinux' }, step.vmlinux);
}

function over<T extends OpSpec>(op: T, { from, ...rest }: { readonly from: string } & Partial<T>): Wired<string> {
  return { op: { ...op, ...rest }, inputs: [from] };
}

function source(op: OpSpec): Wired<string> {
  return { op, inputs: [] };
}
