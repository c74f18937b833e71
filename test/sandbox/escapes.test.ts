import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chownSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { attempts } from './attempts.ts';
import { countProcesses, whyNoSandbox } from './rig.ts';

interface Report {
  readonly uid: number;
  readonly commandsRunAs: number;
  readonly results: Readonly<Record<string, { stdout: string; how: string }>>;
  readonly connections: number;
  readonly leftBehind: readonly number[];
  readonly abort: { reason: string; left: number };
  readonly timeout: { ended: unknown; left: number };
}

/** Somebody who is not root and not whom root's commands run as. */
const ordinary = 64_999;
const program = new URL('./program.ts', import.meta.url).pathname;
const folders: string[] = [];
const why = whyNoSandbox();
if (why !== undefined) console.log(`Skipped: the escapes from the sandbox (${why})`);

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Starts the program with a secret in its environment and at descriptor 9, as shells and services leave them. */
function start(uid: number | undefined, task: readonly string[]): ChildProcess {
  const folder = mkdtempSync(join(tmpdir(), 'portkit-escapes-'));
  folders.push(folder);
  const secret = join(folder, 'at-descriptor-9');
  writeFileSync(secret, 'hunter2\n', { mode: 0o644 });
  const who = uid === undefined ? {} : { uid, gid: uid };
  if (uid !== undefined) chownSync(folder, uid, uid);
  return spawn('/bin/sh', ['-c', 'exec 9<"$1"; shift; exec "$@"', 'sh', secret, process.execPath, program, folder, ...task], {
    ...who,
    env: { SECRET: 'hunter2' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function textOf(child: ChildProcess): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout ?? []) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

const isRoot = process.getuid?.() === 0;
const asMyself = [isRoot ? 'root' : 'an ordinary user', undefined] as const;
const users: (readonly [name: string, uid: number | undefined])[] = [asMyself];
const closed = [process.execPath, program].map(closedFolder).find((folder) => folder !== undefined);
if (!isRoot) console.log('Skipped: the escapes as root (these tests do not run as root)');
else if (closed === undefined) users.push(['an ordinary user', ordinary]);
else console.log(`Skipped: the escapes as an ordinary user (${closed} lets nobody else pass, and this checkout is below it)`);

/** The first folder above a file that an ordinary user cannot pass through. */
function closedFolder(file: string): string | undefined {
  const folders = realpathSync(file).split('/').slice(1, -1);
  return folders.map((_, at) => `/${folders.slice(0, at + 1).join('/')}`).find((folder) => (statSync(folder).mode & 0o001) === 0);
}

describe.skipIf(why !== undefined).each(users)('as %s', (_name, uid) => {
  let report: Report;
  const names = Object.keys(attempts({ secretFile: '', store: '', port: 0, abstract: '', pid: 0 }));

  test('every way out is tried', async () => {
    report = JSON.parse(await textOf(start(uid, ['escapes']))) as Report;
    expect(Object.keys(report.results)).toEqual(names);
    expect(report.uid).toBe(uid ?? process.getuid?.());
    expect(report.commandsRunAs).not.toBe(0);
  });

  test.each(names)('refused: %s', (name) => {
    const result = report.results[name];
    expect(result?.how).toBe('exited');
    expect(result?.stdout).toMatch(/tried\n$/);
    expect(result?.stdout).not.toContain('ESCAPED');
    if (name.startsWith('system call')) expect(result?.stdout).toBe('epermtried\n');
  });

  test('nobody on the host was connected to', () => {
    expect(report.connections).toBe(0);
  });

  test('when a command has ended, so has everything it started', () => {
    expect(report.leftBehind).toEqual(Array.from({ length: 10 }, () => 0));
  });

  test('an abort gives its reason when nothing of the tree is left', () => {
    expect(report.abort).toEqual({ reason: 'Error: enough', left: 0 });
  });

  test('so does a time limit', () => {
    expect(report.timeout).toEqual({ ended: { how: 'out-of-time' }, left: 0 });
  });

  test('the death of whoever runs commands is the death of the commands', async () => {
    const word = String(800_000_000 + process.pid);
    const child = start(uid, ['hold', word]);
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    await until(() => countProcesses(word) >= 4);
    child.kill('SIGKILL');
    await until(() => countProcesses(word) === 0);
  });
});

/** Looks again and again; the test's own time limit is the limit. */
async function until(done: () => boolean): Promise<void> {
  while (!done()) await setTimeout(10);
}

test('outside of the sandbox, the attempts that harm nothing succeed: they can tell', async () => {
  const abstract = `portkit-control-${process.pid}`;
  const tcp = createServer((socket) => socket.destroy());
  const unix = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
  await new Promise<void>((resolve) => unix.listen(`\0${abstract}`, resolve));
  const folder = mkdtempSync(join(tmpdir(), 'portkit-control-'));
  folders.push(folder);
  const secretFile = join(folder, 'secret');
  writeFileSync(secretFile, 'hunter2\n');
  const address = tcp.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const tried = attempts({ secretFile, store: folder, port, abstract, pid: process.pid });
  const harmless = [
    'read a file of the host',
    'look into the store',
    'read the environment of processes',
    'read a descriptor that was left open',
    'reach the loopback of the host',
    'reach an abstract socket of the host',
    'be without a filter',
  ];
  for (const name of harmless) {
    const child = spawn('/bin/sh', ['-c', `exec 9<${secretFile}; ${tried[name]}`], {
      env: { SECRET: 'hunter2', PATH: '/usr/bin:/bin' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect([name, await textOf(child)]).toEqual([name, expect.stringContaining('ESCAPED')]);
  }
  tcp.close();
  unix.close();
});
