import { byteString } from '../../base/byte-string.ts';
import { PortkitError } from '../../base/errors.ts';
import type { Ref } from '../../base/ref.ts';
import { ofKind } from '../../ops/input.ts';
import { readNode } from '../../store/trees/access.ts';
import { newTree, putEntry, writeTree } from '../../store/trees/editor.ts';
import type { LayoutWorld, StoredBlob } from '../layout-tree.ts';
import { storedBlob } from '../oci/layers.ts';
import { layerPath } from '../oci/title.ts';

/** Runs a module's function `postprocess` with the request, and says its answer as the protocol has it. */
const shim = `import { readFileSync, writeSync } from 'node:fs';
const say = (message) => writeSync(1, JSON.stringify(message) + '\\n');
const { error } = console;
Object.assign(console, { log: error, info: error, debug: error });
const { argv } = process;
const { postprocess } = await import(argv[2]);
if (typeof postprocess !== 'function') throw new Error('The module has no function "postprocess"');
const request = JSON.parse(readFileSync(0, 'utf8'));
const log = (message) => say({ type: 'log', message: String(message) });
const progress = (done, total) => say({ type: 'progress', done, total });
say({ ...(await postprocess(request, { log, progress })), type: 'result' });
`;

/** What a module is run with: `node`, the shim, and the module at the place that the shim is told. */
export interface Runtime {
  readonly tree: Ref;
  readonly argv: readonly string[];
}

/** Where the runtime is seen in the sandbox. */
const place = '/in/runtime';
const folder = { mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 }, xattrs: [] };

/**
 * The runtime of a module as a tree. A file is seen alone, so it has to stand by itself; a package is where imports look
 * for it, and sees no other.
 */
export async function runtimeOf(
  { name, module, node }: { readonly name: string; readonly module: Ref; readonly node: StoredBlob },
  world: LayoutWorld,
): Promise<Runtime> {
  const editor = newTree(folder, world);
  const put = (path: string, { digest, size }: StoredBlob, mode: number): Promise<void> =>
    putEntry(editor, byteString(path), {
      entry: { ...folder, mode, type: 'file', content: digest, size },
      parents: folder,
    });
  const batch = world.blobs.batch();
  const digest = batch.add(Buffer.from(shim));
  await batch.commit(world.signal);
  await put('shim.mjs', { digest, size: Buffer.byteLength(shim) }, 0o444);
  await put('node', node, 0o555);
  const isFile = /^\.{0,2}\//.test(name);
  const last = name.slice(name.lastIndexOf('/') + 1);
  if (isFile) await put(`module/${layerPath(last)}`, await storedBlob(ofKind(module, 'blob'), world), 0o444);
  else {
    const path = byteString(`node_modules/${packageOf(name)}`);
    const root = ofKind(module, 'tree');
    await readNode(root, world);
    await putEntry(editor, path, { entry: { type: 'dir', node: root }, parents: folder });
  }
  const specifier = isFile ? `./module/${encodeURIComponent(last)}` : name;
  const argv = [`${place}/node`, `${place}/shim.mjs`, specifier];
  return { tree: { kind: 'tree', digest: await writeTree(editor) }, argv };
}

/** `pkg` of `pkg/sub`, `@me/pkg` of `@me/pkg/sub`; PK4106 when it is the name of none. */
function packageOf(name: string): string {
  const [, found] = /^((?:@[a-z0-9._~-]+\/)?[a-z0-9~-][a-z0-9._~-]*)(?:\/.*)?$/.exec(name) ?? [];
  if (found !== undefined) return found;
  throw new PortkitError('PK4106', `${JSON.stringify(name.slice(0, 200))} is neither a file (./my-post.ts) nor a package`);
}
