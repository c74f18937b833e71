import { posix } from 'node:path';
import { agentPath } from '../model/paths.ts';
import type { Selector } from '../model/selector.ts';
import type { Fault } from '../workflow/validator.ts';
import { fault, orRefused } from './fault.ts';
import { guestFile } from './guest-tree.ts';
import type { GuestTree } from './guest-tree.ts';
import { initrdInitFaults, rootInitFaults } from './init.ts';
import { programFaults } from './programs.ts';

const busybox = '/bin/busybox';

/** Everything that a root file system has to have. */
export async function rootFaults(guest: GuestTree, selector: Selector): Promise<readonly Fault[]> {
  return [
    ...(await orRefused('init', () => rootInitFaults(guest, selector))),
    ...(await programFaults(agentPath, guest, selector)),
    ...(claimsBusybox(guest) ? await programFaults(busybox, guest, selector) : []),
    ...(await orRefused('marker', () => markerFaults(guest, selector))),
    ...(await orRefused('modules', () => moduleFaults(guest))),
  ];
}

/** Everything that an initrd has to have. */
export async function initrdFaults(guest: GuestTree, selector: Selector): Promise<readonly Fault[]> {
  return [...(await initrdInitFaults(guest, selector)), ...(await orRefused('modules', () => moduleFaults(guest)))];
}

/** The programs that have to be in a root by name. */
export function rootPrograms(guest: GuestTree): readonly string[] {
  return ['/init', agentPath, ...(claimsBusybox(guest) ? [busybox] : [])];
}

/** An image with commands that are links to BusyBox promises that it is there; one without BusyBox has no such links. */
function claimsBusybox({ entries }: GuestTree): boolean {
  return entries.some((entry) => entry.type === 'symlink' && posix.basename(entry.target) === 'busybox');
}

/** The markers of a guest say what its selector says; one for pvm has to have them. */
async function markerFaults(guest: GuestTree, selector: Selector): Promise<readonly Fault[]> {
  const wanted = [
    ['/etc/port-protection-mode', selector.protection_mode],
    ['/etc/port-guest-architecture', selector.architecture],
  ] as const;
  const faults: Fault[] = [];
  for (const [path, expected] of wanted) {
    const text = (await (await guestFile(path, guest))?.text())?.trim();
    if (text === undefined && selector.protection_mode === 'pvm') faults.push(fault('marker', `${path} is not there`));
    if (text !== undefined && text !== expected)
      faults.push(fault('marker', `${path} is ${JSON.stringify(text.slice(0, 100))}, and should be "${expected}"`));
  }
  return faults;
}

/** An image that names a release of kernel modules has the list of them. */
async function moduleFaults(guest: GuestTree): Promise<readonly Fault[]> {
  const marker = '/etc/port-kernel-modules-release';
  const release = (await (await guestFile(marker, guest))?.text())?.trim();
  if (release === undefined) return [];
  if (!/^[\w.+~-]{1,100}$/.test(release) || /^\.+$/.test(release)) return [fault('modules', `${marker} names no release`)];
  const list = `/lib/modules/${release}/modules.dep`;
  return (await guestFile(list, guest)) === undefined ? [fault('modules', `${list} is not there`)] : [];
}
