import { ftruncateSync, writeSync } from 'node:fs';
import type { ImageWriter } from '../formats/file-tree.ts';

/** An open file as an image that is written; what is never written stays a hole. */
export function imageWriterOn(fd: number): ImageWriter {
  return {
    setSize: (size) => ftruncateSync(fd, size),
    write(bytes, position) {
      for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
    },
  };
}
