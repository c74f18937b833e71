import type { OpSpec } from './ops.ts';
import type { Wired } from './wire.ts';
import { wireExec } from './wire.ts';

/** A file in another format, made by a program of the host or by a step of its own. */
export interface ConvertOver<H> {
  readonly from: H;
  /** `qcow2` of a raw disk (qemu-img), `iso` of a tree (xorriso), or the file made smaller. */
  readonly to: 'qcow2' | 'iso' | 'gzip' | 'zstd';
  /** The volume's name, for `iso`: at most 32 letters of A–Z, 0–9 and _. */
  readonly volume?: string;
}

/** The step that converts: an ordinary `compress` or `exec`, so there is no op of this name. */
export function wireConvert<H>({ from, to, volume = 'PORTKIT' }: ConvertOver<H>): Wired<H> {
  if (to === 'gzip' || to === 'zstd') {
    const op: OpSpec = { type: 'compress', format: to };
    return { op, inputs: [from] };
  }
  if (to === 'qcow2') {
    const argv = ['qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', '-o', 'compat=1.1', '/in/image', '/out/image.qcow2'];
    return wireExec({ argv, inputs: { image: from }, tools: ['qemu-img'], output: { file: 'image.qcow2' } });
  }
  const names = ['-V', volume, '-o', '/out/image.iso', '/in/tree'];
  return wireExec({
    argv: ['xorriso', '-as', 'mkisofs', '-quiet', '-R', '-uid', '0', '-gid', '0', ...names],
    inputs: { tree: from },
    tools: ['xorriso'],
    // By this xorriso chooses every time and identity that it would else take from the clock.
    env: { SOURCE_DATE_EPOCH: '0', TZ: 'UTC' },
    output: { file: 'image.iso' },
  });
}
