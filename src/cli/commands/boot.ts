import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PortkitError } from '../../base/errors.ts';
import { durationIn, showDuration, showSize, sizeIn } from '../../base/units.ts';
import type { BootReport, BootTrial } from '../../boot/boot.ts';
import { consoleFile } from '../../boot/console-log.ts';
import type { Architecture, Machine, Monitor } from '../../boot/machine.ts';
import { qemuProgram } from '../../boot/qemu.ts';
import { nativeArchitecture, tryMachine } from '../../wiring.ts';
import { chooseOptions, selectorOptions } from '../artifacts/choose.ts';
import type { Command, Invocation } from '../command.ts';
import { findProgram } from '../../base/find-program.ts';
import { flag, listOption, textOption } from '../values.ts';

type Options = Invocation['options'];

/** `portkit boot`: does it boot? */
export const boot: Command = {
  usage: 'boot --kernel F [--initrd F] [--rootfs F] | --artifact NAME… [SELECTOR…] [--vmm VMM] [--timeout 120s] [--json]',
  about: [
    'Boots a kernel in a virtual machine, waits for the agent inside, has it read files, and powers off.',
    'QEMU uses KVM when this kernel boots with it, else it translates. A rootfs is never written to: beside an',
    'initrd it is mounted under a layer in memory. The console is kept in a file.',
    'With --artifact it boots a guest image, and its kernel, from where "portkit artifacts build" or "pull" put them.',
  ].join('\n'),
  words: 0,
  options: {
    kernel: { type: 'string', value: 'F', help: 'the kernel' },
    initrd: { type: 'string', value: 'F', help: 'the initial RAM disk, with the agent as /init' },
    rootfs: { type: 'string', value: 'F', help: 'an ext4 image, with the agent as /init' },
    config: chooseOptions.config,
    set: chooseOptions.set,
    artifact: {
      type: 'string',
      value: 'NAME',
      multiple: true,
      help: 'a guest image and a kernel; the kernel may be left out when one has the same selector',
    },
    architecture: { type: 'string', value: 'A', help: 'x86-64 or aarch64 (default: that of this machine)' },
    substrate: selectorOptions.substrate,
    'protection-mode': selectorOptions['protection-mode'],
    append: { type: 'string', value: 'WORDS', help: 'more words for the command line of the kernel' },
    vmm: { type: 'string', value: 'VMM', help: 'qemu, firecracker, cloud-hypervisor or auto (default: the first installed)' },
    memory: { type: 'string', value: 'SIZE', help: 'the memory of the machine (default: 512MiB)' },
    timeout: { type: 'string', value: 'TIME', help: 'how long it may take (default: 120s)' },
    expect: {
      type: 'string',
      value: 'PATH=SHA256',
      multiple: true,
      help: 'a file inside and its SHA-256 (default: /init is read, whatever it is)',
    },
    console: { type: 'string', value: 'F', help: 'where to keep the console (default: a new file in the temporary folder)' },
    json: { type: 'boolean', help: 'print the result as JSON' },
  },
  async run(invocation) {
    const { options, print, note, signal } = invocation;
    const trial = trialOf(options, await imagesOf(invocation));
    if (!flag(options, 'json')) note(`booting ${trial.machine.kernel} with ${trial.monitor}; console: ${trial.consoleTo.shown}`);
    const report = await tryMachine(trial, signal);
    if (flag(options, 'json')) print(JSON.stringify({ version: 1, ...report, console: trial.consoleTo.shown }, null, 2));
    else print(shown(report));
    return 0;
  },
};

type Images = Pick<Machine, 'kernel' | 'initrd' | 'rootfs' | 'architecture'>;

/** What is booted: files that are named, or those of artifacts. */
async function imagesOf(invocation: Invocation): Promise<Images> {
  const { options } = invocation;
  const [kernel, initrd, rootfs] = ['kernel', 'initrd', 'rootfs'].map((name) => textOption(options, name));
  const isFiles = kernel !== undefined || initrd !== undefined || rootfs !== undefined;
  if (listOption(options, 'artifact').length > 0) {
    if (!isFiles) return (await import('../artifacts/boot-set.ts')).bootSetOf(invocation);
    throw new PortkitError('PK1004', '--artifact does not go together with files', { hint: 'Leave one of them out' });
  }
  const foreign = ['config', 'set', 'substrate', 'protection-mode'].find((name) => options[name] !== undefined);
  if (foreign !== undefined) {
    throw new PortkitError('PK1001', `--${foreign} is about artifacts, and none is named`, { hint: 'Give --artifact NAME' });
  }
  if (kernel === undefined) {
    throw new PortkitError('PK1001', 'boot needs a kernel', { hint: 'Give --kernel FILE, or --artifact NAME' });
  }
  return {
    architecture: architectureOf(textOption(options, 'architecture') ?? nativeArchitecture()),
    kernel: resolve(kernel),
    ...(initrd !== undefined && { initrd: resolve(initrd) }),
    ...(rootfs !== undefined && { rootfs: resolve(rootfs) }),
  };
}

function trialOf(options: Options, images: Images): BootTrial {
  const append = textOption(options, 'append');
  const files = listOption(options, 'expect').map(expectation);
  const machine = {
    ...images,
    memoryMiB: memoryOf(textOption(options, 'memory') ?? '512MiB'),
    ...(append !== undefined && { append }),
  };
  return {
    machine,
    monitor: monitorOf(textOption(options, 'vmm') ?? 'auto', machine.architecture),
    timeoutMs: timeoutOf(textOption(options, 'timeout') ?? '120s'),
    files: files.length === 0 ? [{ path: '/init' }] : files,
    consoleTo: consoleFile(
      resolve(textOption(options, 'console') ?? join(mkdtempSync(join(tmpdir(), 'portkit-console-')), 'console.log')),
    ),
  };
}

function architectureOf(text: string): Architecture {
  if (text === 'x86-64' || text === 'x86_64') return 'x86_64';
  if (text === 'aarch64') return 'aarch64';
  throw new PortkitError('PK1004', `--architecture ${JSON.stringify(text)} is not known`, { hint: 'Write x86-64 or aarch64' });
}

function monitorOf(text: string, architecture: Architecture): Monitor {
  if (text === 'qemu' || text === 'firecracker' || text === 'cloud-hypervisor') return text;
  if (text !== 'auto') {
    const hint = 'Write qemu, firecracker, cloud-hypervisor or auto';
    throw new PortkitError('PK1004', `--vmm ${JSON.stringify(text)} is not known`, { hint });
  }
  const path = process.env['PATH'] ?? '';
  if (findProgram(qemuProgram(architecture), path) !== undefined) return 'qemu';
  const found = (['firecracker', 'cloud-hypervisor'] as const).find((name) => findProgram(name, path) !== undefined);
  if (found !== undefined) return found;
  throw new PortkitError('PK6901', `There is no program to run a machine of ${architecture}`, {
    hint: `Install the Debian package ${architecture === 'x86_64' ? 'qemu-system-x86' : 'qemu-system-arm'}`,
  });
}

function memoryOf(text: string): number {
  const mebibytes = (sizeIn(text) ?? 0) / 2 ** 20;
  if (Number.isInteger(mebibytes) && mebibytes >= 32 && mebibytes <= 65_536) return mebibytes;
  throw new PortkitError('PK1004', `--memory ${JSON.stringify(text)} is not allowed`, { hint: 'Write 32MiB to 64GiB' });
}

function timeoutOf(text: string): number {
  const ms = durationIn(text) ?? 0;
  if (ms >= 1000 && ms <= 3600e3) return ms;
  throw new PortkitError('PK1004', `--timeout ${JSON.stringify(text)} is not allowed`, { hint: 'Write 1s to 1h, such as 120s' });
}

function expectation(text: string): BootTrial['files'][number] {
  const [, path, sha256] = /^(\/.*)=(?:sha256:)?([0-9a-f]{64})$/.exec(text) ?? [];
  if (path !== undefined && sha256 !== undefined) return { path, sha256 };
  throw new PortkitError('PK1004', `--expect ${JSON.stringify(text)} is no file with a digest`, {
    hint: 'Write --expect /PATH=SHA256 with 64 lower-case hex digits',
  });
}

function shown({ monitor, accelerator, why, times, guest, files }: BootReport): string {
  const how = accelerator === undefined ? monitor : `${monitor}, ${accelerator}${why === undefined ? '' : `: ${why}`}`;
  const { kernelMs, userspaceMs, agentMs, totalMs } = times;
  return [
    `booted Linux ${guest.kernel} on ${guest.machine} with ${guest.cpus} CPU and ${showSize(guest.memory)} (${how})`,
    ...files.map(({ path, size, sha256 }) => `${path}: ${showSize(size)}, sha256:${sha256}`),
    kernelMs === 0
      ? `kernel and userspace ${showDuration(userspaceMs)} by its own clock`
      : `kernel ${showDuration(kernelMs)}, userspace ${showDuration(userspaceMs)} by its own clock`,
    `agent after ${showDuration(agentMs)}, ended after ${showDuration(totalMs)}`,
  ].join('\n');
}
