import { existsSync, globSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import rooms from './rooms.json' with { type: 'json' };

/** Which rooms (or single files, their doors) and which packages each room may import. */
const mayImport: Readonly<Record<string, readonly string[]>> = rooms;
const doors = ['src/cli', 'src/wiring', 'src/wiring.ts'];

/** Calls that only the doors may make: what they give is handed down as a parameter. */
const worldly = /\b(?:Date\.now|Math\.random|new Date\(\)|process\.(?:env|exit|argv)|console\.)/;
const imports = /(?:^|[\n;])\s*(?:import|export)\b[^'";]*?\bfrom\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g;

function covers(scope: string, file: string): boolean {
  return file === scope || file.startsWith(`${scope}/`);
}

function roomOf(file: string): string | undefined {
  return Object.keys(mayImport)
    .filter((room) => covers(room, file))
    .toSorted((a, b) => b.length - a.length)[0];
}

/** The imports of a file that its room may not make. */
function forbiddenImports(file: string, source: string): readonly string[] {
  const room = roomOf(file);
  if (room === undefined) return ['this file is in no room'];
  return [...source.matchAll(imports)]
    .map((match) => match[1] ?? match[2] ?? '')
    .filter((specifier) => {
      if (specifier.startsWith('node:')) return false;
      if (!specifier.startsWith('.')) return !(mayImport[room] ?? []).includes(packageOf(specifier));
      const target = posix.join(posix.dirname(file), specifier);
      if (roomOf(target) === room) return false;
      return !(mayImport[room] ?? []).some((scope) => covers(scope, target) && roomOf(scope) === roomOf(target));
    });
}

/** `zod` of `zod/v4`, `@bufbuild/protobuf` of `@bufbuild/protobuf/wire`. */
function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function withoutComments(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
}

const files = globSync(['src/**/*.ts', 'frontends/**/*.ts', 'exporters/**/*.ts'])
  .filter((file) => !file.endsWith('.test.ts') && !file.startsWith('src/gen/'))
  .toSorted();

describe.each(files)('%s', (file) => {
  const source = readFileSync(file, 'utf8');

  test('keeps to its room', () => {
    expect(forbiddenImports(file, source)).toEqual([]);
  });

  test('has at most 300 lines, and no default export', () => {
    expect(source.split('\n').length).toBeLessThanOrEqual(301);
    expect(source).not.toMatch(/^export default/m);
  });

  if (doors.some((door) => covers(door, file))) return;
  test('asks nothing of the world', () => {
    expect(withoutComments(source)).not.toMatch(worldly);
  });
});

test('every room has a README', () => {
  const standing = Object.keys(mayImport).filter((room) => existsSync(room) && !room.endsWith('.ts') && room !== 'src/gen');
  expect(standing.filter((room) => !existsSync(`${room}/README.md`))).toEqual([]);
});

test('rooms only look down: the table has no cycle', () => {
  const done = new Set<string>();
  function visit(room: string, path: readonly string[]): void {
    if (path.includes(room)) throw new Error(`Cycle: ${[...path, room].join(' → ')}`);
    if (done.has(room)) return;
    for (const scope of mayImport[room] ?? []) if (Object.hasOwn(mayImport, scope)) visit(scope, [...path, room]);
    done.add(room);
  }
  for (const room of Object.keys(mayImport)) visit(room, []);
  expect(done.size).toBe(Object.keys(mayImport).length);
});

test('these checks can fail', () => {
  expect(forbiddenImports('src/base/x.ts', "import { a } from '../store/open.ts';")).toEqual(['../store/open.ts']);
  expect(forbiddenImports('src/store/disk/x.ts', "export { a } from '../open.ts';")).toEqual(['../open.ts']);
  expect(forbiddenImports('src/store/disk/x.ts', "const a = await import('zod');")).toEqual(['zod']);
  expect(forbiddenImports('src/attic/x.ts', '')).toHaveLength(1);
  expect(withoutComments('const a = Date.now(); // now')).toMatch(worldly);
  expect(withoutComments('/* Date.now */ // console.log')).not.toMatch(worldly);
});
