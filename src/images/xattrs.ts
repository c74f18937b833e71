import { fromBytes } from '../base/byte-string.ts';
import type { ByteString } from '../base/byte-string.ts';
import { PortkitError } from '../base/errors.ts';
import type { FileAttributes } from '../formats/file-tree.ts';
import type { RunProgram } from '../ops/run-program.ts';

type Xattrs = FileAttributes['xattrs'];

/** What a directory's attributes may take, as getfattr writes them. */
const most = 2 ** 28;

/**
 * The extended attributes of all that is in a directory, by path, as the program getfattr tells them: Node has no way to
 * read any. One process reads all of them. PK3960 when it cannot, PK6901 when it is not there.
 */
export async function readXattrs(
  directory: string,
  { run, path }: { readonly run: RunProgram; readonly path: string },
  signal: AbortSignal,
): Promise<ReadonlyMap<ByteString, Xattrs>> {
  const argv = ['getfattr', '-R', '-P', '-h', '-d', '-m', '-', '-e', 'hex', '--', '.'] as const;
  const { stdout, ended } = run({ argv, env: { PATH: path, LC_ALL: 'C' }, cwd: directory, signal });
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const bytes of stdout) {
    size += bytes.length;
    if (size <= most) pieces.push(Buffer.from(bytes));
  }
  const { status, stderr } = await ended;
  if (size > most) throw refused(directory, `they take more than ${most} bytes`);
  // What stands on a disk without any says so, for every file.
  const complaints = stderr.split('\n').filter((line) => line !== '' && !line.endsWith(': Operation not supported'));
  if (status !== 0 && complaints.length > 0) throw refused(directory, complaints[0] ?? '');
  return parse(Buffer.concat(pieces).toString('latin1'), directory);
}

/** Parts with an empty line between: `# file: PATH`, then `NAME=0x…` or `NAME` alone. */
function parse(text: string, directory: string): ReadonlyMap<ByteString, Xattrs> {
  const found = new Map<ByteString, Xattrs>();
  for (const part of text.split('\n\n')) {
    const [head = '', ...lines] = part.split('\n').filter((line) => line !== '');
    if (head === '') continue;
    const [, path] = /^# file: (.+)$/.exec(head) ?? [];
    if (path === undefined) throw refused(directory, 'getfattr says something that is not understood');
    const xattrs = lines.map((line) => {
      const [, name, hex = ''] = /^([^=]+)(?:=0x((?:[0-9a-f]{2})*))?$/.exec(line) ?? [];
      if (name === undefined) throw refused(directory, 'getfattr says something that is not understood');
      return { name: unescaped(name), value: Buffer.from(hex, 'hex') };
    });
    const below = unescaped(path).replace(/^\.\/?/, '');
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the end of a byte string
    found.set(
      below as ByteString,
      xattrs.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    );
  }
  return found;
}

/** getfattr writes some bytes as a backslash and three octal digits. */
function unescaped(text: string): ByteString {
  const bytes = text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCodePoint(Number.parseInt(digits, 8)));
  return fromBytes(Buffer.from(bytes, 'latin1'));
}

function refused(directory: string, why: string): PortkitError {
  return new PortkitError('PK3960', `The extended attributes of ${JSON.stringify(directory)} cannot be read: ${why}`);
}
