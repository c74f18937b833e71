import { agentPath } from '../model/paths.ts';
import type { Selector } from '../model/selector.ts';
import type { Fault } from '../workflow/validator.ts';
import { fault } from './fault.ts';
import { guestFile } from './guest-tree.ts';
import type { GuestFile, GuestTree } from './guest-tree.ts';
import { notExecutable, programFaults } from './programs.ts';

/** A call of the agent in a line of a script that is no comment. */
const callsAgent = /^(?![ \t]*#).*(?<![\w.-])port-guest-agent(?![\w.-])/m;

/** `/init` of a root: a script that launches the agent, or the agent itself (its minimal mode). */
export async function rootInitFaults(guest: GuestTree, selector: Selector): Promise<readonly Fault[]> {
  const { text, faults } = await startable(guest, selector);
  if (text !== undefined)
    return [...faults, ...(callsAgent.test(text) ? [] : [fault('init', '/init does not launch port-guest-agent')])];
  const [init, agent] = [await guestFile('/init', guest), await guestFile(agentPath, guest)];
  if (init === undefined || (agent !== undefined && (await areAlike(init, agent)))) return faults;
  return [...faults, fault('init', '/init is neither a script nor port-guest-agent itself')];
}

async function areAlike(a: GuestFile, b: GuestFile): Promise<boolean> {
  return a.size === b.size && (await a.read()).equals(await b.read());
}

/** `/init` of an initrd: a script or a program. */
export async function initrdInitFaults(guest: GuestTree, selector: Selector): Promise<readonly Fault[]> {
  return (await startable(guest, selector)).faults;
}

/** Whether the kernel can start /init; its text when it is a script. */
async function startable(
  guest: GuestTree,
  selector: Selector,
): Promise<{ readonly text?: string; readonly faults: readonly Fault[] }> {
  const init = await guestFile('/init', guest);
  const text = init !== undefined && init.size <= 2 ** 20 ? await init.text() : '';
  if (init === undefined || !text.startsWith('#!')) return { faults: await programFaults('/init', guest, selector) };
  const interpreter = /^#![ \t]*(\/\S+)/.exec(text)?.[1];
  const missing =
    interpreter === undefined ? [fault('init', '/init names no interpreter')] : await programFaults(interpreter, guest, selector);
  return { text, faults: [...notExecutable('/init', init), ...missing] };
}
