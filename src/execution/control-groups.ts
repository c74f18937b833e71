import { accessSync, constants, mkdtempSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { systemCode } from '../base/errors.ts';

/** What the kernel is to keep a command to. */
interface Limits {
  readonly memoryBytes?: number;
  readonly processes?: number;
}

/** Control groups that hold one command. */
export interface ControlGroup extends AsyncDisposable {
  /** The `cgroup.procs` files to write its process into. */
  readonly procs: readonly string[];
  /** Whether the kernel killed anything in it for want of memory. */
  outOfMemory(): boolean;
}

interface Controller {
  /** A folder in which groups can be made. */
  readonly folder: string;
  readonly version: 1 | 2;
}

/** The controllers that are ours to use here; none is usual for ordinary users outside of a delegated systemd slice. */
export interface Controllers {
  readonly memory?: Controller;
  readonly pids?: Controller;
}

/** Looks where this process may make groups (Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/). */
export function findControllers(groups: string, mounts: string): Controllers {
  const memory = findController('memory', groups, mounts);
  const pids = findController('pids', groups, mounts);
  return { ...(memory === undefined ? {} : { memory }), ...(pids === undefined ? {} : { pids }) };
}

/** `groups` is the text of /proc/self/cgroup, `mounts` that of /proc/self/mountinfo. */
function findController(name: 'memory' | 'pids', groups: string, mounts: string): Controller | undefined {
  for (const line of groups.trim().split('\n')) {
    const [, controllers = '', ...rest] = line.split(':');
    const path = rest.join(':');
    if (controllers.split(',').includes(name)) {
      const folder = folderOf(path, mounts, (type, options) => type === 'cgroup' && options.split(',').includes(name));
      if (folder !== undefined && writable(folder)) return { folder, version: 1 };
    }
    if (controllers !== '') continue;
    const own = folderOf(path, mounts, (type) => type === 'cgroup2');
    // A group with processes cannot share out its own controllers, so ours are made beside it.
    const folder = own === undefined ? undefined : [own, dirname(own)].find((folder) => sharesOut(folder, name));
    if (folder !== undefined && writable(folder)) return { folder, version: 2 };
  }
  return undefined;
}

/** Where a group is mounted: fields 4 and 5 of mountinfo are the mount's root and place, the type follows the lone `-`. */
function folderOf(path: string, mounts: string, fits: (type: string, options: string) => boolean): string | undefined {
  for (const line of mounts.trim().split('\n')) {
    const [mount = '', kind = ''] = line.split(' - ');
    const [, , , root = '', place = ''] = mount.split(' ');
    const [type = '', , options = ''] = kind.split(' ');
    const below = root === '/' ? path : path.startsWith(root) ? path.slice(root.length) : undefined;
    if (below !== undefined && fits(type, options)) return join(place, below);
  }
  return undefined;
}

function sharesOut(folder: string, name: string): boolean {
  try {
    return readFileSync(join(folder, 'cgroup.subtree_control'), 'utf8').trim().split(' ').includes(name);
  } catch {
    return false;
  }
}

function writable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    accessSync(join(folder, 'cgroup.procs'), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Makes the groups for those of the limits that the controllers can keep. */
export function makeControlGroup({ memory, pids }: Controllers, { memoryBytes, processes }: Limits): ControlGroup {
  const made: string[] = [];
  const counters: string[] = [];
  function make({ folder }: Controller): string {
    const group = mkdtempSync(join(folder, 'portkit-'));
    made.push(group);
    return group;
  }
  try {
    if (memoryBytes !== undefined && memory !== undefined) counters.push(limitMemory(make(memory), memory.version, memoryBytes));
    if (processes !== undefined && pids !== undefined) writeFileSync(join(make(pids), 'pids.max'), String(processes));
  } catch (error) {
    for (const group of made) rmdirSync(group);
    throw error;
  }
  return {
    procs: made.map((group) => join(group, 'cgroup.procs')),
    outOfMemory: () => counters.some((file) => /^oom_kill [1-9]/m.test(readFileSync(file, 'utf8'))),
    async [Symbol.asyncDispose]() {
      for (const group of made) await removeGroup(group);
    },
  };
}

/** Limits memory and swap together; answers the file that counts kills. */
function limitMemory(group: string, version: 1 | 2, bytes: number): string {
  writeFileSync(join(group, version === 2 ? 'memory.max' : 'memory.limit_in_bytes'), String(bytes));
  if (version === 2) writeIfThere(join(group, 'memory.swap.max'), '0');
  else writeIfThere(join(group, 'memory.memsw.limit_in_bytes'), String(bytes));
  return join(group, version === 2 ? 'memory.events' : 'memory.oom_control');
}

/** Files about swap are only there when the kernel accounts for it. */
function writeIfThere(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    if (!['ENOENT', 'EACCES', 'EPERM'].includes(systemCode(error) ?? '')) throw error;
  }
}

/** The kernel lets go of ended processes a little after they are waited for. */
async function removeGroup(group: string): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return rmdirSync(group);
    } catch (error) {
      if (systemCode(error) !== 'EBUSY' || attempt === 100) throw error;
    }
    await setTimeout(10);
  }
}
