import { publishSealed } from '../../src/artifacts/copies/sealed.ts';
import { stage } from '../../src/artifacts/copies/staged.ts';
import { takeLock } from '../../src/execution/lock.ts';

/** Publishes one file again and again with other bytes, and writes a dot for each, until it is killed. */
const [, , root = '', path = ''] = process.argv;
const { signal } = new AbortController();

async function* content(round: number): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`kernel ${round} `.repeat(1000));
}

for (let round = 0; ; round += 1) {
  using staged = await stage({ root, path }, content(round), signal);
  await publishSealed([staged], { folder: root, takeLock, signal });
  process.stdout.write('.');
}
