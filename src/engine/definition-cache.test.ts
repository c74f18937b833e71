import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { understand } from './definition-cache.ts';

let folder: string;
let loads: number;
let files: Record<string, string>;
let variables: Record<string, string>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-definitions-'));
  [loads, files, variables] = [0, { 'more.toml': 'more' }, { HOME: '/home' }];
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function read(...key: readonly string[]): Promise<string> {
  const { signal } = new AbortController();
  const context = { set: {}, signal, env: (name: string) => variables[name], read: (path: string) => files[path] };
  const { value, keep } = await understand({
    folder,
    key,
    context,
    load: (lent) => {
      loads += 1;
      return Promise.resolve([...key, lent.read('more.toml'), lent.read('none.toml') ?? 'nothing', lent.env('HOME')].join(' '));
    },
  });
  keep();
  return value;
}

test('the same text is understood once', async () => {
  expect(await read('text')).toBe('text more nothing /home');
  expect(await read('text')).toBe('text more nothing /home');
  expect(loads).toBe(1);
  expect(await read('other')).toBe('other more nothing /home');
  expect(loads).toBe(2);
});

test.each<[string, () => void]>([
  ['an included file changes', () => (files['more.toml'] = 'less')],
  ['an included file goes', () => delete files['more.toml']],
  ['a file that was looked for comes', () => (files['none.toml'] = 'here')],
  ['a variable changes', () => (variables['HOME'] = '/root')],
  ['what was kept is damaged', () => damage()],
  ['what was kept is cut short', () => damage(3)],
])('anew when %s', async (_, change) => {
  await read('text');
  change();
  await read('text');
  expect(loads).toBe(2);
});

function damage(length = -1): void {
  const path = join(folder, readdirSync(folder)[0] ?? '');
  writeFileSync(path, readFileSync(path).subarray(0, length));
}
