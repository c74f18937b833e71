import { PortkitError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { showSize } from '../../base/units.ts';
import { extractKernel } from '../../kernels/extract.ts';
import { inspectKernel } from '../../kernels/inspect/inspect.ts';
import type { Kernel } from '../../kernels/inspect/inspect.ts';
import { containerNames, fitsOf } from '../../kernels/lanes.ts';
import type { Fit } from '../../kernels/lanes.ts';
import { kernelFile } from '../../wiring.ts';
import type { Command, Invocation } from '../command.ts';
import { readConfigFile } from '../kernel-config.ts';
import { checkNamedPath } from '../named-path.ts';
import { textOption } from '../values.ts';
import { chooseVerb } from '../verbs.ts';
import { writeWholeFile } from '../write-file.ts';

interface Verb {
  readonly options: readonly string[];
  run(file: string, invocation: Invocation): Promise<number>;
}

const verbs: Readonly<Record<string, Verb>> = {
  inspect: { options: ['json', 'kconfig'], run: inspect },
  extract: { options: ['output'], run: extract },
};

/** `portkit kernel …`: what a kernel file is, and the vmlinux in it. */
export const kernel: Command = {
  usage: 'kernel inspect FILE [--json] [--kconfig FILE] | kernel extract FILE -o FILE',
  about: [
    'inspect  what kind of kernel a file is, and which substrates start it on which machine',
    'extract  take the vmlinux out of a bzImage, or the Image out of a compressed or EFI one',
  ].join('\n'),
  words: 2,
  options: {
    json: { type: 'boolean', help: 'inspect: print the result as JSON' },
    kconfig: { type: 'string', value: 'FILE', help: 'inspect: what it was built with, when it has no IKCONFIG inside' },
    output: { type: 'string', short: 'o', value: 'FILE', help: 'extract: where to write to' },
  },
  async run(invocation) {
    const verb = chooseVerb({ command: 'kernel', verbs, common: [] }, invocation);
    const file = invocation.words[1];
    if (file === undefined || file === '')
      throw new PortkitError('PK1001', `"portkit kernel ${invocation.words[0]}" needs the file of a kernel`);
    return verb.run(file, invocation);
  },
};

async function extract(file: string, { options, signal, print }: Invocation): Promise<number> {
  const output = textOption(options, 'output');
  if (output === undefined)
    throw new PortkitError('PK1001', '"portkit kernel extract" needs to know where to write to', { hint: 'Name a file with -o' });
  checkNamedPath(file, 'file');
  const size = await writeWholeFile(output, extractKernel(await kernelFile(file), signal));
  print(`${printable(output)}: ${showSize(size)}`);
  return 0;
}

async function inspect(file: string, { options, signal, print }: Invocation): Promise<number> {
  const kconfig = textOption(options, 'kconfig');
  checkNamedPath(file, 'file');
  const given = kconfig === undefined ? undefined : readConfigFile(kconfig);
  const found = await inspectKernel(await kernelFile(file), signal);
  const config = found.core?.config ?? given;
  const lanes = fitsOf(found, config);
  if (options['json'] === true) {
    const core = found.core && { ...found.core, config: undefined };
    print(JSON.stringify({ file, ...found, core, config: config && Object.fromEntries(config), lanes }, undefined, 2));
  } else print([...describe(file, found), ...lanes.flatMap(showFit)].join('\n'));
  return 0;
}

function describe(file: string, { container, architecture, compression, efiStub, version, core, unread }: Kernel): string[] {
  const packed = compression === undefined ? '' : `, packed with ${compression}`;
  const lines = [
    `${printable(file)}: ${containerNames[container]} for ${architecture ?? 'an unknown machine'}${packed}${efiStub ? ', with an EFI stub' : ''}`,
    `  version: ${version ?? 'not said'}`,
  ];
  if (core === undefined) return [...lines, `  inside:  not known. ${unread}`];
  const pvh = core.pvhEntry === undefined ? '' : `, PVH entry at 0x${core.pvhEntry.toString(16)}`;
  return [
    ...lines,
    `  inside:  ${containerNames[core.container]} of ${showSize(core.size)}${pvh}`,
    `  config:  ${core.config === undefined ? 'not inside' : `${core.config.size} options inside`}`,
    `  PVM:     ${core.pvmGuest === undefined ? 'not shown to be a guest' : `a guest, shown by its ${core.pvmGuest}`}`,
  ];
}

function showFit({ architecture, substrate, protectionMode, fits, reasons, findings }: Fit): string[] {
  const lane = `${architecture}/${substrate}/${protectionMode}`;
  if (!fits) return [`✗ ${lane}: ${reasons.join('; ')}`];
  return [`✓ ${lane}`, ...findings.map((finding) => `    - ${finding}`)];
}
