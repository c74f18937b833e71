import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { fileStoreExporter } from '../../exporters/file-store/index.ts';
import { localExporter } from '../../exporters/local/index.ts';
import { tarExporter } from '../../exporters/tar/index.ts';
import { takeLock } from '../../src/execution/lock.ts';
import { shown } from '../exporters/results.ts';
import { createExporter } from '../../examples/exporter-plugin/index.ts';
import { exporterContract } from './exporter.ts';

const local = (dest: string, target: readonly string[]): ReturnType<typeof localExporter> =>
  localExporter({ dest, src: [], target, keepOwner: false }, { isRoot: false });

exporterContract('local, into a new directory', (folder, target = []) => {
  const dest = join(folder, 'out');
  return { exporter: local(dest, target), published: () => (existsSync(dest) ? shown(dest).join('\n') : '') };
});

exporterContract('local, into a directory with files', (folder, target = []) => {
  const dest = join(folder, 'out');
  mkdirSync(join(dest, 'root/etc'), { recursive: true });
  writeFileSync(join(dest, 'root/etc/name'), 'old!');
  writeFileSync(join(dest, 'root/mine'), 'mine');
  const published = (): string =>
    shown(dest)
      .filter((line) => !line.includes('unfinished'))
      .join('\n');
  return { exporter: local(dest, target), published };
});

exporterContract('tar, to a file', (folder, target = []) => {
  const dest = join(folder, 'out.tar');
  const exporter = tarExporter({ dest, src: [], target }, { writeOut: () => Promise.reject(new Error('no stream')) });
  return { exporter, published: () => (existsSync(dest) ? readFileSync(dest, 'latin1') : '') };
});

exporterContract('tar, to standard output', (_folder, target = []) => {
  let out = '';
  const writeOut = (bytes: Uint8Array): Promise<void> => {
    out += Buffer.from(bytes).toString('latin1');
    return Promise.resolve();
  };
  return { exporter: tarExporter({ dest: '-', src: [], target }, { writeOut }), published: () => out };
});

exporterContract('file store', (folder, target = []) => {
  const dest = join(folder, 'store');
  const kept = join(dest, 'demo-fs/port/demo/v1');
  // The folders of a store are its own: they stay.
  mkdirSync(kept, { recursive: true });
  const exporter = fileStoreExporter({ dest, name: 'demo-fs/port/demo:v1', target }, { takeLock });
  const published = (): string => {
    if (!existsSync(join(kept, 'root.tar'))) return '';
    execFileSync('sh', ['-c', 'sha256sum -c --quiet *.sha256'], { cwd: kept });
    return shown(kept).join('\n') + readFileSync(join(kept, 'root.tar'), 'latin1');
  };
  return { exporter, published };
});

exporterContract('the plugin of the examples', (folder, target = []) => {
  const dest = join(folder, 'layout');
  const exporter = createExporter({ options: { dest }, target, directory: folder });
  return { exporter, published: () => (existsSync(dest) ? everything(dest) : '') };
});

/** The bytes of all files below a folder. */
function everything(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name)).toSorted();
  return paths.map((path) => `${path}\n${readFileSync(path, 'latin1')}`).join('\n');
}
