import { createHash, hash } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { planExt4 } from '../../src/formats/ext4/plan.ts';
import { writeExt4 } from '../../src/formats/ext4/write.ts';
import type { Contents } from '../../src/formats/file-tree.ts';
import { readDirectory } from '../../src/images/directory.ts';
import { startReadAhead } from '../../src/images/read-ahead.ts';
import { imageWriterOn } from '../../src/ops/scratch-file.ts';
import { printPeak } from './peak.ts';

/** Makes an ext4 image of a folder with or without what the command line adds: `make-ext4 FOLDER OUT [two] [hashed]`. */
const [folder = '', out = '', ...how] = process.argv.slice(2);
const { signal } = new AbortController();
using tree = await readDirectory(folder, signal, how.includes('two') ? startReadAhead : undefined);
const contents = how.includes('hashed') ? hashed(tree.contents) : tree.contents;
const fd = openSync(out, 'wx+');
const plan = planExt4(tree.entries, { uuid: '00000000-0000-4000-8000-000000000001' });
await writeExt4(plan, { contents, image: imageWriterOn({ fd }) }, signal);
closeSync(fd);
printPeak();

/** Contents whose digests are taken on the way. */
function hashed(of: Contents): Contents {
  async function* passed(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const digest = createHash('sha256');
    for await (const piece of pieces) {
      digest.update(piece);
      yield piece;
    }
    digest.digest('hex');
  }
  return {
    open(content, stop) {
      const opened = of.open(content, stop);
      if (!(opened instanceof Uint8Array)) return passed(opened);
      hash('sha256', opened);
      return opened;
    },
  };
}
