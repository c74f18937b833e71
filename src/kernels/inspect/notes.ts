import { numberAt } from '../../formats/elf/bytes.ts';
import { readElfHeaders } from '../../formats/elf/read.ts';
import type { ElfHeaders } from '../../formats/elf/read.ts';
import { PortkitError } from '../../base/errors.ts';

/** Takes the notes of an ELF file out of its stream. */
export interface NoteReader {
  see(part: Buffer): void;
  /** Where a virtual machine monitor jumps to that starts the kernel by PVH; undefined without such a note. */
  pvhEntry(): number | undefined;
}

/** A note segment of Linux has less than a page. */
const mostNotes = 64 * 2 ** 10;

/** `XEN_ELFNOTE_PHYS32_ENTRY` (xen/interface/elfnote.h). */
const physicalEntry = 18;

/** A reader of the notes of the ELF file that begins like this. */
export async function noteReader(head: Buffer): Promise<NoteReader> {
  const headers = await readElfHeaders((offset, size) => Promise.resolve(head.subarray(offset, offset + size)));
  const segments = headers?.segments.filter(({ type }) => type === 4) ?? [];
  if (segments.reduce((sum, { size }) => sum + size, 0) > mostNotes)
    throw new PortkitError('PK3702', `The kernel is malformed: it has more than ${mostNotes} bytes of notes`);
  const pieces = segments.map(({ offset, size }) => ({ offset, bytes: Buffer.alloc(size), have: 0 }));
  let at = 0;
  return {
    see(part) {
      for (const piece of pieces) {
        const from = Math.max(0, piece.offset - at);
        const seen = part.subarray(from, Math.max(from, piece.offset + piece.bytes.length - at));
        piece.have += seen.copy(piece.bytes, Math.max(0, at - piece.offset));
      }
      at += part.length;
    },
    pvhEntry() {
      for (const { bytes, have } of pieces) {
        if (have < bytes.length) throw new PortkitError('PK3702', 'The kernel is malformed: its notes are outside of the file');
        const entry = headers && findEntry(bytes, headers);
        if (entry !== undefined) return entry;
      }
      return undefined;
    },
  };
}

/** Notes stand one behind the other: the sizes of name and content and a type, then both, each filled up to four bytes. */
function findEntry(notes: Buffer, { bytes }: ElfHeaders): number | undefined {
  const view = new DataView(notes.buffer, notes.byteOffset, notes.byteLength);
  for (let at = 0; at + 12 <= notes.length;) {
    const [nameSize, size, type] = [0, 4, 8].map((field) => numberAt(view, bytes, [at + field, 4]));
    if (nameSize === undefined || size === undefined) return undefined;
    const content = at + 12 + filled(nameSize);
    const isEntry = type === physicalEntry && notes.toString('latin1', at + 12, at + 12 + nameSize) === 'Xen\0';
    if (isEntry && (size === 4 || size === 8) && content + size <= notes.length) return numberAt(view, bytes, [content, size]);
    at = content + filled(size);
  }
  return undefined;
}

function filled(size: number): number {
  return Math.ceil(size / 4) * 4;
}
