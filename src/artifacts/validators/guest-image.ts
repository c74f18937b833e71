import { dirname, join } from 'node:path';
import { checkExt4 } from '../../formats/ext4/check/check.ts';
import { showPlace } from '../../formats/ext4/read/report.ts';
import { imageReaderOn, openImageFile } from '../../images/reader.ts';
import { initrdName } from '../model/paths.ts';
import type { Selector } from '../model/selector.ts';
import { factsOf } from '../copies/read.ts';
import type { Fault, Subject, Validator } from '../workflow/validator.ts';
import { debugfsFaults, e2fsckFaults } from './e2fsprogs.ts';
import type { Judges } from './e2fsprogs.ts';
import { fault, orRefused } from './fault.ts';
import { openGuest } from './guest-tree.ts';
import type { GuestWorld } from './guest-tree.ts';
import { initrdFaults, rootFaults, rootPrograms } from './root-rules.ts';

/** Guest images: the file system by our checker and e2fsprogs, what is in it, and the initrd beside it. */
export function guestImageValidator(world: GuestWorld & Judges): Validator {
  return {
    async check(subject, signal) {
      const { artifact, variant } = subject.chosen;
      if (artifact.kind !== 'guest-image') return [];
      if (subject.file.path !== variant.path)
        return initrdFileFaults(subject.path, { selector: variant.selector, world, signal });
      return [...(await imageFaults(subject, world, signal)), ...(await siblingFaults(subject, world, signal))];
    },
  };
}

async function imageFaults(
  { path, chosen }: Subject,
  world: GuestWorld & Judges,
  signal: AbortSignal,
): Promise<readonly Fault[]> {
  const unsound = await orRefused('ext4', () => {
    using image = openImageFile(path);
    return Promise.resolve(
      checkExt4(imageReaderOn(image.fd), { signal }).map(({ place, what }) => fault('ext4', `${showPlace(place)}: ${what}`)),
    );
  });
  const wrong = await orRefused('contents', async () => {
    using guest = await openGuest({ path, format: 'ext4' }, world, signal);
    return [
      ...(await rootFaults(guest, chosen.variant.selector)),
      ...(await debugfsFaults({ image: path, paths: rootPrograms(guest) }, world, signal)),
    ];
  });
  return [...unsound, ...(await e2fsckFaults(path, world, signal)), ...wrong];
}

/** The initrd of a variant whose definition names none: what Firecracker boots on x86_64 has one all the same. */
async function siblingFaults({ path, chosen }: Subject, world: GuestWorld, signal: AbortSignal): Promise<readonly Fault[]> {
  const { selector, build } = chosen.variant;
  if (build?.initrd !== undefined || selector.architecture !== 'x86_64' || selector.substrate !== 'firecracker') return [];
  const facts = await factsOf({ root: dirname(path), path: initrdName }, signal);
  if (facts === undefined || facts.size === 0)
    return [fault('initrd', `${initrdName} is ${facts === undefined ? 'not there' : 'empty'} beside the image`)];
  return initrdFileFaults(join(dirname(path), initrdName), { selector, world, signal });
}

function initrdFileFaults(
  path: string,
  { selector, world, signal }: { readonly selector: Selector; readonly world: GuestWorld; readonly signal: AbortSignal },
): Promise<readonly Fault[]> {
  return orRefused('initrd', async () => {
    using guest = await openGuest({ path, format: 'cpio' }, world, signal);
    return (await initrdFaults(guest, selector)).map(({ check, message }) => fault(check, `${initrdName}: ${message}`));
  });
}
