import { randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { resolveInside } from '../ops/inside.ts';
import type { HostTools } from '../execution/host-tools.ts';
import type { PostprocessWorld } from '../postprocessors/load-postprocessors.ts';
import { createStatCache } from '../store/host/stat-cache.ts';
import { takePath } from '../store/host/take-path.ts';
import type { Store } from '../store/store.ts';
import type { Surroundings } from './ops.ts';

/** What postprocessing is lent of this machine. */
export function postprocessWorld(
  around: Surroundings,
  files: Pick<PostprocessWorld, 'blobs' | 'unxz' | 'exec' | 'scratch'>,
): PostprocessWorld {
  const { directory, outermost, pins, secrets, version, deploys = false } = around;
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
    ...(deploys && { build: randomUUID() }),
    node: (signal) => takeNode(around.store, signal),
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    readKey: async (path) => readFileSync(await resolveInside(path, bounds)),
    toolDigest: async (tool, signal) => (await (tools ??= hostTools())).digest(tool, signal),
  };
}

/** The program of node that runs this, read again only when it has changed. */
async function takeNode(store: Store, signal: AbortSignal): ReturnType<PostprocessWorld['node']> {
  const cache = createStatCache(join(store.directory, 'stat'));
  const { digest } = await takePath(process.execPath, {}, { store, cache, signal });
  return { digest, size: statSync(process.execPath).size };
}
