import { systemCode } from './errors.ts';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of its path is no folder',
  EISDIR: 'it is a folder',
  EACCES: 'that is not allowed to this user',
  EPERM: 'that is not allowed to this user',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  EPIPE: 'its reader left before the end',
  ELOOP: 'its symlinks lead in a circle',
  ENAMETOOLONG: 'the name is too long',
  EMFILE: 'too many files are open',
};

/** What the system says against something, in words and with its code: `there is no such file or folder (ENOENT)`. */
export function systemReason(error: unknown): string {
  const code = systemCode(error) ?? 'unknown';
  const words = Object.hasOwn(reasons, code) ? reasons[code] : undefined;
  return words === undefined ? code : `${words} (${code})`;
}
