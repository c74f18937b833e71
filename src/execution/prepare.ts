import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, hexOf } from '../base/digest.ts';
import { checkMountPoint, secretPath } from './check-command.ts';
import type { Checkouts } from './checkouts.ts';
import type { Controllers } from './control-groups.ts';
import type { Command } from './executor.ts';
import { takeLock } from './lock.ts';
import type { Programs } from './programs.ts';
import type { SandboxPlan } from './sandbox.ts';
import type { Descriptor } from './spawner-protocol.ts';
import type { User, Workplace } from './workplace.ts';

/** Everything an executor has ready for its commands. */
export interface Site {
  readonly user: User | undefined;
  readonly workplace: Workplace;
  readonly checkouts: Checkouts;
  readonly programs: Programs;
  readonly caches: string;
  readonly controllers: Controllers;
  /** The file of the system-call filter. */
  readonly filter: string;
  readonly etc: string;
  readonly links: readonly { readonly name: string; readonly target: string }[];
}

/** A sandbox about to be made: its plan, and what bwrap finds at its descriptors from 4 on (3 has its arguments). */
interface Prepared {
  readonly plan: SandboxPlan;
  readonly descriptors: readonly Descriptor[];
}

interface Holding {
  /** What is let go of when the command has ended. */
  readonly held: AsyncDisposableStack;
  readonly signal: AbortSignal;
}

/** Puts everything in place that a command is to see. */
export async function prepare(site: Site, command: Command, holding: Holding): Promise<Prepared> {
  const descriptors: Descriptor[] = [{ file: site.filter }, 'report'];
  const root = await prepareRoot(site, command, holding);
  const inputs = [];
  for (const { name, ref } of command.inputs) {
    inputs.push({ name, path: holding.held.use(await site.checkouts.hold(ref, 'input', holding.signal)).path });
  }
  const caches = await prepareCaches(site, command, holding);
  const secrets = [];
  const env: Record<string, string> = { ...command.env };
  for (const secret of command.secrets) {
    const to = secretPath(secret);
    if (to !== undefined) {
      secrets.push({ descriptor: 4 + descriptors.length, to });
      descriptors.push({ feed: Buffer.from(secret.value).toString('base64') });
    }
    if (secret.env !== undefined) env[secret.env] = Buffer.from(secret.value).toString();
  }
  if (root.kind === 'tree') {
    for (const { to } of caches) checkMountPoint(root.path, to, 'folder');
    for (const { to } of secrets) checkMountPoint(root.path, to, 'file');
  }
  const plan: SandboxPlan = {
    root,
    inputs,
    caches,
    secrets,
    env,
    out: fresh(site, 0o755, holding),
    temporary: fresh(site, 0o1777, holding),
    cwd: command.cwd,
    network: command.network,
    filter: { descriptor: 4 },
    status: { descriptor: 5 },
  };
  return { plan, descriptors };
}

async function prepareRoot(site: Site, { root }: Command, { held, signal }: Holding): Promise<SandboxPlan['root']> {
  if (root === 'host') return { kind: 'host', etc: site.etc, links: site.links };
  const checkout = await site.checkouts.hold({ kind: 'tree', digest: root }, 'root', signal);
  return { kind: 'tree', path: held.use(checkout).path };
}

/** Caches by the digest of their name, so that no name is a path. Locks are taken in one order, so that nobody waits in a circle. */
async function prepareCaches(site: Site, command: Command, { held, signal }: Holding): Promise<SandboxPlan['caches']> {
  const caches = command.caches.map((cache) => ({ ...cache, path: join(site.caches, hexOf(digestOf(cache.name))) }));
  for (const { path, share } of caches.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if (site.user !== undefined) chownSync(path, site.user.uid, site.user.gid);
    if (share === 'locked') held.use(await takeLock(`${path}.lock`, signal));
  }
  return caches;
}

function fresh(site: Site, mode: number, { held }: Holding): string {
  const path = site.workplace.fresh(mode);
  held.defer(() => site.programs.discard(path));
  return path;
}
