import { expect, test } from 'vitest';
import { PortkitError } from '../src/base/errors.ts';
import { parseOutput } from './output.ts';

const nothing = { src: [], target: [], keepOwner: false };

test.each([
  ['out', { type: 'local', dest: 'out', ...nothing }],
  ['./a=b', { type: 'local', dest: './a=b', ...nothing }],
  ['"a,b"', { type: 'local', dest: 'a,b', ...nothing }],
  ['-', { type: 'tar', dest: '-', ...nothing }],
  ['type=local,dest=out', { type: 'local', dest: 'out', ...nothing }],
  ['type=local,"dest=a,""b"', { type: 'local', dest: 'a,"b', ...nothing }],
  ['type=local, DEST=a=b,owner=keep', { type: 'local', dest: 'a=b', src: [], target: [], keepOwner: true }],
  [
    'dest=x.tar,type=tar,src=a,target=k,src=!b',
    { type: 'tar', dest: 'x.tar', src: ['a', '!b'], target: ['k'], keepOwner: false },
  ],
  ['type=tar,dest=-', { type: 'tar', dest: '-', ...nothing }],
  ['type=file-store,dest=s,name=a/b:c', { type: 'file-store', dest: 's', name: 'a/b:c', ...nothing }],
  [
    'type=plugin,from=./x.ts,dest=y,to=z',
    { type: 'plugin', from: './x.ts', dest: 'y', options: { dest: 'y', to: 'z' }, ...nothing },
  ],
])('%s is understood', (text, output) => {
  expect(parseOutput(text)).toEqual(output);
});

test.each([
  ['', 'it has no destination', 'dest=PATH'],
  ['typ=local', 'it has no type', 'type=local'],
  ['dest=out,src=a', 'it has no type', 'type=local'],
  ['type=locla,dest=x', 'the type "locla" is not known', 'Did you mean "local"?'],
  ['type=toString,dest=x', 'the type "toString" is not known', 'Known are local, tar'],
  ['type=local,dst=x', 'type=local has no "dst"', 'Did you mean "dest"?'],
  ['type=local,dest=x,zzzzz=1', 'type=local has no "zzzzz"', 'Known are'],
  ['type=tar,dest=x,owner=keep', 'type=tar has no "owner"', 'Known are'],
  ['type=local,dest=a,dest=b', 'dest is given twice', 'once'],
  ['type=local,type=tar,dest=a', 'type is given twice', 'once'],
  ['type=local,dest=', 'dest is empty', 'leave it out'],
  ['type=local,dest=a,src=', 'src is empty', 'leave it out'],
  ['type=local', 'it has no destination', 'dest=PATH'],
  ['type=file-store,dest=s', 'it has no name', 'name=REGISTRY'],
  ['type=oci-registry', 'it has no name', 'name=REGISTRY'],
  ['type=oci-registry,name=a.b/c,transport=ftp', 'transport is plain-http or tls', 'loopback'],
  ['type=plugin,to=x', 'it names no plugin', 'from=./FILE.ts'],
  ['type=local,dest', '"dest" is not of the form key=value', 'quoted'],
  ['type=local,,dest=a', '"" is not of the form key=value', 'quoted'],
  ['type=local,dest="a"', 'the quotes do not match', 'double the quotes'],
  ['type=local,"dest=a', 'the quotes do not match', 'double the quotes'],
  ['type=local,"dest=a"b', 'the quotes do not match', 'double the quotes'],
  ['type=local,dest=a\0b', 'no NUL', 'another'],
  ['type=local,dest=a,owner=me', 'not "me"', 'belong to you'],
])('%j is refused', (text, message, hint) => {
  expect.assertions(3);
  try {
    parseOutput(text);
  } catch (error) {
    if (!(error instanceof PortkitError)) throw error;
    expect(error.code).toBe('PK3401');
    expect(error.message).toContain(message);
    expect(error.hint).toContain(hint);
  }
});
