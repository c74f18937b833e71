import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findControllers, makeControlGroup } from './control-groups.ts';

/** Plain folders that stand for the kernel's: this room only reads and writes files in them. */
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portkit-groups-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function group(path: string, controllers: string): void {
  mkdirSync(join(folder, path), { recursive: true });
  writeFileSync(join(folder, path, 'cgroup.procs'), '');
  writeFileSync(join(folder, path, 'cgroup.subtree_control'), controllers);
}

const unified = (root = '/'): string => `30 23 0:26 ${root} ${folder} rw,nosuid shared:4 - cgroup2 cgroup2 rw\n`;

test('beside our own group of a delegated slice', () => {
  group('user/app', 'memory pids\n');
  group('user/app/scope', '');
  const app = { folder: join(folder, 'user/app'), version: 2 };
  expect(findControllers('0::/user/app/scope\n', unified())).toEqual({ memory: app, pids: app });
});

test('below our own group when that shares out, and relative to what is mounted', () => {
  group('', 'memory\n');
  expect(findControllers('0::/container\n', unified('/container'))).toEqual({ memory: { folder, version: 2 } });
});

test('nowhere, when nothing is shared out or mounted', () => {
  group('user/app/scope', '');
  expect(findControllers('0::/user/app/scope\n', unified())).toEqual({});
  expect(findControllers('0::/user/app/scope\n', '')).toEqual({});
  expect(findControllers('', unified())).toEqual({});
});

test('in the old hierarchies, each its own', () => {
  group('mine', '');
  const mounts = `35 31 0:32 / ${folder} rw - cgroup cgroup rw,cpu,memory\n39 31 0:36 / /nowhere rw - cgroup cgroup rw,pids\n`;
  const groups = '9:name=systemd:/\n8:pids:/\n4:cpu,memory:/mine\n0::/\n';
  expect(findControllers(groups, mounts)).toEqual({ memory: { folder: join(folder, 'mine'), version: 1 } });
});

test('limits are written, kills are read, and a failure leaves no group', () => {
  const place = { folder, version: 2 } as const;
  const made = makeControlGroup({ memory: place, pids: place }, { memoryBytes: 1000, processes: 7 });
  const [memory = '', pids = ''] = made.procs.map((procs) => join(procs, '..'));
  expect(readFileSync(join(memory, 'memory.max'), 'utf8')).toBe('1000');
  expect(readFileSync(join(memory, 'memory.swap.max'), 'utf8')).toBe('0');
  expect(readFileSync(join(pids, 'pids.max'), 'utf8')).toBe('7');
  writeFileSync(join(memory, 'memory.events'), 'low 0\noom 3\noom_kill 0\n');
  expect(made.outOfMemory()).toBe(false);
  writeFileSync(join(memory, 'memory.events'), 'low 0\noom 3\noom_kill 1\n');
  expect(made.outOfMemory()).toBe(true);
  const before = readdirSync(folder).length;
  const missing = { folder: join(folder, 'missing'), version: 2 } as const;
  expect(() => makeControlGroup({ memory: missing }, { memoryBytes: 1 })).toThrow('ENOENT');
  expect(readdirSync(folder)).toHaveLength(before);
});
