import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { PortkitError } from '../../base/errors.ts';
import { showSize } from '../../base/units.ts';
import { checkRoot } from '../../store/open.ts';
import { judgesPath, openStoreAt } from '../../wiring.ts';
import type { Command, Invocation } from '../command.ts';
import { storeOptions, storeRoot } from '../context.ts';
import { checkMachine } from '../machine.ts';
import type { Check } from '../machine.ts';
import { selfCheck } from '../self-check.ts';

/** `portkit doctor`: what this machine has, and whether the store works on its disk. */
export const doctor: Command = {
  usage: 'doctor [--root DIR] [--json]',
  about:
    'Checks the platform, Node, the programs and the store root, then proves the store on this disk with a self-check.\nIt installs nothing.',
  words: 0,
  options: storeOptions,
  async run(invocation) {
    const root = storeRoot(invocation.options['root']);
    const { platform, arch, versions, env } = process;
    const machine = [
      ...checkMachine({ platform, arch, node: versions.node, path: env['PATH'] ?? '', judgesPath: judgesPath() }),
      rootCheck(root),
    ];
    const ready = machine.every(isFine);
    const store = ready ? await storeChecks(root, invocation.signal) : [];
    report(invocation, [...machine, ...store]);
    if (!ready) return 69;
    return store.some((check) => !check.ok) ? 7 : 0;
  },
};

function isFine({ ok, optional }: Check): boolean {
  return ok || optional === true;
}

function rootCheck(root: string): Check {
  try {
    checkRoot(root, process.getuid?.());
    mkdirSync(root, { recursive: true, mode: 0o700 });
    const disk = statfsSync(root);
    return { name: 'store root', ok: true, detail: `${root} (${showSize(disk.bavail * disk.bsize)} free)` };
  } catch (error) {
    const hint = error instanceof PortkitError ? error.hint : undefined;
    return {
      name: 'store root',
      ok: false,
      detail: error instanceof Error ? error.message : String(error),
      help: hint ?? 'Choose another with --root',
    };
  }
}

async function storeChecks(root: string, signal: AbortSignal): Promise<readonly Check[]> {
  const folder = mkdtempSync(join(root, 'doctor-'));
  try {
    const results = await selfCheck({ root: folder, openStore: openStoreAt, signal });
    return results.map(({ name, problem }) => ({ name, ok: problem === undefined, detail: problem ?? 'ok' }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function report({ print, options }: Invocation, checks: readonly Check[]): void {
  if (options['json'] === true) return print(JSON.stringify({ ok: checks.every(isFine), checks }, null, 2));
  for (const { name, ok, detail, help, optional } of checks) {
    print(`${ok ? '✓' : optional === true ? '-' : '✗'} ${name}: ${detail}`);
    if (!ok && help !== undefined) print(`    = help: ${help}`);
  }
}
