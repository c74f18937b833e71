import { readFileSync } from 'node:fs';
import type { DecompressWorld } from '../ops/decompress.ts';
import { resolveInside } from '../ops/inside.ts';
import type { HostTools } from '../execution/host-tools.ts';
import type { PostprocessWorld } from '../postprocessors/load-postprocessors.ts';
import type { Surroundings } from './ops.ts';

/** What postprocessing is lent of this machine. */
export function postprocessWorld(around: Surroundings, files: DecompressWorld): PostprocessWorld {
  const { directory, outermost, pins, secrets, version } = around;
  const bounds = { directory, ...(outermost !== undefined && { outermost }) };
  let tools: Promise<HostTools> | undefined;
  async function hostTools(): Promise<HostTools> {
    const { createHostTools } = await import('../execution/host-tools.ts');
    return createHostTools(`${process.platform} ${process.arch}`);
  }
  return {
    ...files,
    ...(pins !== undefined && { pin: pins }),
    secrets,
    version,
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    readKey: async (path) => readFileSync(await resolveInside(path, bounds)),
    toolDigest: async (tool, signal) => (await (tools ??= hostTools())).digest(tool, signal),
  };
}
