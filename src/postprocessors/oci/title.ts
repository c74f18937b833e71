import { PortkitError } from '../../base/errors.ts';

/** The file name of a layer (image-spec, annotations.md; ORAS writes the layer there when it pulls). */
export const titleAnnotation = 'org.opencontainers.image.title';

/** The path of a layer as whoever pulls it may use it: relative, without `.`, and never upward (PK4102). */
export function layerPath(text: string): string {
  const refuse = (why: string): PortkitError =>
    new PortkitError('PK4102', `The layer path ${JSON.stringify(text.slice(0, 200))} ${why}`, {
      hint: 'Write a relative path such as "boot/vmlinux"',
    });
  if (/[\p{Cc}\\]/u.test(text) || !text.isWellFormed()) throw refuse('has a character that file names cannot have');
  if (text.startsWith('/') || /^[A-Za-z]:/.test(text)) throw refuse('is absolute');
  if (text.length > 1024) throw refuse('is too long');
  const names = text.split('/').filter((name) => name !== '' && name !== '.');
  if (names.includes('..')) throw refuse('leads upward');
  if (names.length === 0) throw refuse('names nothing');
  return names.join('/');
}
