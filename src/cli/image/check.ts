import { PortkitError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { decompress, defaultDecompressLimits, detectCompression } from '../../formats/compression/decompress.ts';
import type { CompressedFormat } from '../../formats/compression/decompress.ts';
import { detectCpio, readCpio } from '../../formats/cpio/read.ts';
import { checkExt4 } from '../../formats/ext4/check/check.ts';
import { showPlace } from '../../formats/ext4/read/report.ts';
import { defaultTarLimits } from '../../formats/tar/entry.ts';
import { imageReaderOn, openImageFile } from '../../images/reader.ts';
import { headOfImage, signNames, signOf } from '../../images/sign.ts';
import { initrdFit } from '../../kernels/initrd.ts';
import { inspectKernel } from '../../kernels/inspect/inspect.ts';
import { containerNames } from '../../kernels/lanes.ts';
import { piecesOf } from '../../ops/scratch-file.ts';
import { kernelFile, lazyUnxz } from '../../wiring.ts';
import type { Invocation } from '../command.ts';
import { readConfigFile } from '../kernel-config.ts';
import { textOption } from '../values.ts';

/** What is wrong, and what cannot be told. */
interface Checked {
  readonly findings: readonly { readonly place: string; readonly what: string }[];
  readonly remarks: readonly string[];
  readonly compressed?: readonly CompressedFormat[];
}

/**
 * `image check FILE`: 0 when nothing is wrong with an ext4 image or an initrd, 7 with what is. With `--kernel`, an initrd
 * also has to be one that the kernel unpacks.
 */
export async function checkImage([file]: readonly [string], invocation: Invocation): Promise<number> {
  const { options, signal, print } = invocation;
  using image = openImageFile(file);
  const initrd = await isInitrd(image.fd, signal);
  const asked = ['kernel', 'kconfig'].find((name) => textOption(options, name) !== undefined);
  if (asked !== undefined && !initrd)
    throw new PortkitError('PK1001', `--${asked} is for an initrd, and ${JSON.stringify(file)} is none`);
  if (!initrd) await refuseOthers(image.fd, file, signal);
  const { findings, remarks, compressed } = initrd ? await checkInitrd(image.fd, invocation) : checkDisk(image.fd, signal);
  if (options['json'] === true) print(JSON.stringify({ file, findings, remarks, compressed }, undefined, 2));
  else {
    const end = `${file}: ${findings.length === 0 ? 'sound' : `${findings.length} ${findings.length === 1 ? 'finding' : 'findings'}`}`;
    print([...findings.map(({ place, what }) => `${place}: ${what}`), ...remarks, end].map(printable).join('\n'));
  }
  return findings.length === 0 ? 0 : 7;
}

/** What has the mark of something else is no damaged ext4 image. */
async function refuseOthers(fd: number, file: string, signal: AbortSignal): Promise<void> {
  const sign = signOf(headOfImage(imageReaderOn(fd)));
  if (sign === 'ext4' || sign === 'empty') return;
  const kernel = await kernelIn(file, signal);
  if (kernel !== undefined) {
    throw new PortkitError('PK3951', `What is checked is an ext4 image or an initrd, and the file is a kernel (${kernel})`, {
      hint: 'Look at it with "portkit kernel inspect FILE"; what unpacks an initrd is named by --kernel',
    });
  }
  if (sign === 'unknown') return;
  throw new PortkitError('PK3951', `What is checked is an ext4 image or an initrd, and the file is ${signNames[sign]}`, {
    hint:
      sign === 'gpt' ? 'Take a partition out: portkit image extract FILE --partition N -o OUT' : 'See "portkit image inspect"',
  });
}

/** What kind of kernel a file is; undefined when it is none. */
async function kernelIn(file: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return containerNames[(await inspectKernel(await kernelFile(file), signal)).container];
  } catch (error) {
    if (error instanceof PortkitError && /^PK3[37]/.test(error.code)) return undefined;
    throw error;
  }
}

function checkDisk(fd: number, signal: AbortSignal): Checked {
  const findings = checkExt4(imageReaderOn(fd), { signal }).map(({ place, what }) => ({ place: showPlace(place), what }));
  return { findings, remarks: [] };
}

function unxz(): ReturnType<typeof lazyUnxz> {
  return lazyUnxz(process.env['PATH'] ?? '');
}

/** A cpio, compressed or not; what is compressed and damaged counts as one too, as images are not kept so. */
async function isInitrd(fd: number, signal: AbortSignal): Promise<boolean> {
  const { format, content } = await detectCompression(piecesOf(fd));
  const help = { limits: defaultDecompressLimits, unxz: unxz() };
  const unpacked = format === undefined ? content : decompress(content, { ...help, format }, signal);
  try {
    const found = await detectCpio(unpacked);
    await found.content.return(undefined);
    return found.cpio;
  } catch (error) {
    if (error instanceof PortkitError && error.code.startsWith('PK33')) return true;
    throw error;
  }
}

async function checkInitrd(fd: number, { options, signal }: Invocation): Promise<Checked> {
  const compressed: CompressedFormat[] = [];
  const help = {
    limits: defaultDecompressLimits,
    archive: defaultTarLimits,
    unxz: unxz(),
    onCompressed: (format: CompressedFormat) => void compressed.push(format),
  };
  try {
    for await (const entry of readCpio(piecesOf(fd), help, signal))
      if (entry.type === 'file') for await (const _ of entry.content) signal.throwIfAborted();
  } catch (error) {
    if (!(error instanceof PortkitError) || !error.code.startsWith('PK33')) throw error;
    return { findings: [{ place: 'archive', what: `${error.message} (${error.code})` }], remarks: [], compressed };
  }
  return { ...(await againstKernel(compressed, options, signal)), compressed };
}

async function againstKernel(
  compressed: readonly CompressedFormat[],
  options: Invocation['options'],
  signal: AbortSignal,
): Promise<Checked> {
  const [kernel, kconfig] = [textOption(options, 'kernel'), textOption(options, 'kconfig')];
  if (kernel === undefined && kconfig === undefined) return { findings: [], remarks: [] };
  const given = kconfig === undefined ? undefined : readConfigFile(kconfig);
  const inspected = kernel === undefined ? undefined : await inspectKernel(await kernelFile(kernel), signal);
  const fit = initrdFit(inspected, compressed, given);
  const unknown = `${kernel}: whether it unpacks this is not known, as it has no configuration inside; --kconfig names one`;
  if (fit === 'unknown') return { findings: [], remarks: [unknown] };
  const lacks = fit === 'fits' ? [] : fit.lacks;
  return { findings: lacks.map((name) => ({ place: 'kernel', what: `it was built without ${name}` })), remarks: [] };
}
