import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { PortkitError } from '../../base/errors.ts';
import { checkRoot } from '../../store/open.ts';
import type { Command, Invocation } from '../command.ts';
import { openStoreAt, storeOptions, storeRoot } from '../context.ts';
import { selfCheck } from '../self-check.ts';
import { showSize } from '../sizes.ts';

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly help?: string;
}

/** `portkit doctor`: what this machine has, and whether the store works on its disk. */
export const doctor: Command = {
  usage: 'doctor [--root DIR] [--json]',
  about: 'Checks Node, the needed programs and the store root, then proves the store on this disk with a self-check.',
  words: 0,
  options: storeOptions,
  async run(invocation) {
    const root = storeRoot(invocation.options['root']);
    const machine = [nodeCheck(), toolCheck('bwrap', 'bubblewrap'), rootCheck(root)];
    const store = machine.every((check) => check.ok) ? await storeChecks(root, invocation.signal) : [];
    report(invocation, [...machine, ...store]);
    if (machine.some((check) => !check.ok)) return 69;
    return store.some((check) => !check.ok) ? 7 : 0;
  },
};

function nodeCheck(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > 24 || (major === 24 && minor >= 15);
  return {
    name: 'node',
    ok,
    detail: `${process.versions.node} (24.15 or newer is needed)`,
    help: 'Install Node 24 LTS, or set PORTKIT_NODE',
  };
}

function toolCheck(command: string, debian: string): Check {
  const found = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, command))
    .find((path) => existsSync(path));
  return { name: command, ok: found !== undefined, detail: found ?? 'is not installed', help: `apt-get install -y ${debian}` };
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
  if (options['json'] === true) return print(JSON.stringify({ ok: checks.every((check) => check.ok), checks }, null, 2));
  for (const { name, ok, detail, help } of checks) {
    print(`${ok ? '✓' : '✗'} ${name}: ${detail}`);
    if (!ok && help !== undefined) print(`    = help: ${help}`);
  }
  print('\nThis is the store self-check: the build engine is not part of this version yet.');
}
