import { PortkitError } from '../../base/errors.ts';
import type { Platform } from './descriptor.ts';

const part = /^[a-z0-9_.-]{1,64}$/;

/** `os/architecture[/variant]`; PK4005 when it is something else. */
export function parsePlatform(text: string): Platform {
  const [os = '', architecture = '', variant, ...more] = text.split('/');
  if (more.length === 0 && [os, architecture, variant ?? 'none'].every((one) => part.test(one))) {
    return { os, architecture, ...(variant === undefined ? {} : { variant }) };
  }
  throw new PortkitError('PK4005', `Malformed platform ${JSON.stringify(text.slice(0, 100))}`, {
    hint: 'A platform has the form OS/ARCHITECTURE[/VARIANT], as in linux/arm64',
  });
}

/** A platform as people write it. */
export function showPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter((one) => one !== undefined && one !== '').join('/');
}

/** Whether what is there serves who asks for `wanted`: the variant only counts when it is asked for. */
export function servesPlatform(there: Platform, wanted: Platform): boolean {
  if (there.os !== wanted.os || there.architecture !== wanted.architecture) return false;
  if (wanted.variant === undefined || there.variant === wanted.variant) return true;
  // v8 is what arm64 is when nothing is said (containerd, platforms/database.go).
  return there.variant === undefined && showPlatform(wanted) === 'linux/arm64/v8';
}
