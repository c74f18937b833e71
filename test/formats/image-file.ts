import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import type { ImageWriter } from '../../src/formats/file-tree.ts';

/** An image that is a file. */
export interface ImageFile extends ImageWriter {
  close(): void;
}

/** Makes a new file to write an image into. */
export function imageFile(path: string): ImageFile {
  const fd = openSync(path, 'wx');
  return {
    setSize: (size) => ftruncateSync(fd, size),
    write(bytes, position) {
      for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
    },
    close: () => closeSync(fd),
  };
}
