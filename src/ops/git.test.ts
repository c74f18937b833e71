import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import type { GitSpec } from '../graph/source-ops.ts';
import type { OpContext, Outcome } from '../solver/op.ts';
import { createMemoryStore } from '../store/memory.ts';
import { treeLines } from '../../test/tree-lines.ts';
import { gitOp } from './git.ts';
import type { GitOpWorld } from './git.ts';
import { parseRepository, submoduleUrl } from './git/url.ts';
import { runProgram } from './run-program.ts';

const context: OpContext = { signal: new AbortController().signal, output: () => undefined, transfer: () => undefined };
let folder: string;
let source: string;
let store: ReturnType<typeof createMemoryStore>;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'portkit-git-')));
  source = join(folder, 'source');
  store = createMemoryStore();
  git(folder, 'init', '-q', '-b', 'main', source);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function git(cwd: string, ...args: readonly string[]): string {
  const identity = ['-c', 'user.name=x', '-c', 'user.email=x@x', '-c', 'protocol.file.allow=always'];
  const env = { PATH: '/usr/bin:/bin', GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
  return execFileSync('git', [...identity, ...args], { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

function commitAll(cwd = source): string {
  git(cwd, 'add', '-A');
  git(cwd, 'commit', '-q', '--allow-empty', '-m', 'x');
  return git(cwd, 'rev-parse', 'HEAD');
}

/** A commit of hand-made tree lines, as no honest git would write it. */
function commitTree(lines: string): string {
  const tree = execFileSync('git', ['hash-object', '-t', 'tree', '-w', '--literally', '--stdin'], {
    cwd: source,
    input: raw(lines),
  });
  const commit = git(source, 'commit-tree', tree.toString().trim(), '-m', 'x');
  git(source, 'update-ref', 'refs/heads/hostile', commit);
  return commit;
}

/** `mode name id` lines as the bytes of a tree object. */
function raw(lines: string): Buffer {
  return Buffer.concat(
    lines.split('\n').map((line) => {
      const [mode, name, id = ''] = line.split(' ');
      return Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')]);
    }),
  );
}

function world(more: Partial<GitOpWorld> = {}): GitOpWorld {
  const path = '/usr/bin:/bin';
  return { run: runProgram, path, env: {}, cache: join(folder, 'cache'), blobs: store, directory: folder, ...more };
}

function take(spec: Omit<GitSpec, 'type' | 'url'> & { readonly url?: string }, more: Partial<GitOpWorld> = {}): Promise<Outcome> {
  return gitOp({ type: 'git', url: 'source', ...spec }, world(more)).run([], context);
}

function contentOf(outcome: Outcome): Promise<readonly string[]> {
  if (!outcome.ok) throw new Error(outcome.failure.message);
  return treeLines(outcome.outputs[0]?.digest ?? digestOf(''), store);
}

function failureOf(outcome: Outcome) {
  if (outcome.ok) throw new Error('expected a failure');
  return outcome.failure;
}

describe('a commit', () => {
  test('is its files, programs, symlinks and directories, byte for byte', async () => {
    mkdirSync(join(source, 'a/b'), { recursive: true });
    writeFileSync(join(source, 'a/b/text'), 'one\n$Id$');
    writeFileSync(join(source, 'large'), Buffer.alloc(300_000, 'x'));
    writeFileSync(join(source, 'empty'), '');
    writeFileSync(join(source, 'run'), '#!');
    chmodSync(join(source, 'run'), 0o755);
    symlinkSync('../../etc/passwd', join(source, 'link'));
    writeFileSync(join(source, '.gitattributes'), '* text eol=crlf ident export-ignore');
    writeFileSync(Buffer.concat([Buffer.from(`${source}/\xc3\xa9`, 'latin1'), Buffer.from([0xff])]), 'odd');
    const commit = commitAll();
    writeFileSync(join(source, 'later'), 'x');
    commitAll();
    const outcome = await take({ commit });
    expect(await contentOf(outcome)).toEqual([
      'dir 755',
      'file 644 .gitattributes * text eol=crlf iden',
      'dir 755 a',
      'dir 755 a/b',
      'file 644 a/b/text one\n$Id$',
      'file 644 empty',
      `file 644 large ${'x'.repeat(20)}`,
      'symlink 777 link -> ../../etc/passwd',
      'file 755 run #!',
      'file 644 é\uFFFD odd',
    ]);
    expect(await take({ commit })).toEqual(outcome);
  });

  test('can be taken from a subdirectory, which has to be one', async () => {
    mkdirSync(join(source, 'a/b'), { recursive: true });
    writeFileSync(join(source, 'a/b/f'), 'x');
    writeFileSync(join(source, 'ab'), 'x');
    symlinkSync('a', join(source, 'link'));
    const commit = commitAll();
    expect(await contentOf(await take({ commit, subdir: 'a' }))).toEqual(['dir 755', 'dir 755 b', 'file 644 b/f x']);
    for (const subdir of ['missing', 'ab', 'link', 'link/b']) {
      expect(failureOf(await take({ commit, subdir })).code).toBe('PK3209');
    }
    for (const subdir of ['..', 'a/../..', '/a', '', 'a//b', './a']) {
      expect(failureOf(await take({ commit, subdir })).code, subdir).toBe('PK3207');
    }
  });

  test('of a repository with SHA-256 works the same', async () => {
    rmSync(source, { recursive: true });
    git(folder, 'init', '-q', '-b', 'main', '--object-format=sha256', source);
    writeFileSync(join(source, 'f'), 'x');
    expect(await contentOf(await take({ commit: commitAll() }))).toEqual(['dir 755', 'file 644 f x']);
  });

  test('has everything that decides it in the key', async () => {
    const commit = 'a'.repeat(40);
    const op = gitOp({ type: 'git', url: 'https://h/r', commit, submodules: true, subdir: 'd' }, world());
    expect(await op.facts(context)).toEqual({ facts: { url: 'https://h/r', commit, submodules: 'true', subdir: 'd' } });
  });

  test.each(['main', 'HEAD', 'abc123', 'A'.repeat(40), `${'a'.repeat(40)}^`, '--upload-pack=x', ''])(
    'has to be named by its full id, not %j',
    async (commit) => {
      expect(failureOf(await take({ commit })).code).toBe('PK3207');
    },
  );

  test('that is not there, or is a tag, fails', async () => {
    commitAll();
    git(source, 'tag', '-a', '-m', 'x', 'v1');
    for (const commit of ['0'.repeat(40), git(source, 'rev-parse', 'v1')]) {
      expect(failureOf(await take({ commit })).code).toBe('PK3209');
    }
  });

  test('comes from the cache when that has it, and survives a damaged one', async () => {
    writeFileSync(join(source, 'f'), 'x');
    const commit = commitAll();
    const outcome = await take({ commit });
    const [kept = ''] = readdirSync(join(folder, 'cache'));
    rmSync(join(folder, 'cache', kept, 'objects'), { recursive: true });
    expect(await take({ commit })).toEqual(outcome);
    writeFileSync(join(folder, 'cache', kept, 'HEAD'), 'garbage');
    expect(await take({ commit })).toEqual(outcome);
    rmSync(source, { recursive: true });
    mkdirSync(source);
    expect(await take({ commit })).toEqual(outcome);
    expect(readdirSync(join(folder, 'cache'))).toEqual([kept]);
  });
});

describe('a hostile repository', () => {
  const blob = () => git(source, 'hash-object', '-w', '--', join(source, 'f'));
  beforeEach(() => writeFileSync(join(source, 'f'), 'x'));

  test.each(['..', '.', '.git', '.GIT'])('with the name %j in a tree is refused', async (name) => {
    const commit = commitTree(`100644 ${name} ${blob()}`);
    expect(failureOf(await take({ commit })).code).toBe('PK3209');
  });

  test('with a file and a directory of one name is refused', async () => {
    const tree = execFileSync('git', ['mktree'], { cwd: source, input: `100644 blob ${blob()}\tx\n` });
    const commit = commitTree(`120000 d ${blob()}\n40000 d ${tree.toString().trim()}`);
    expect((await take({ commit })).ok).toBe(false);
  });

  test('cannot run anything by hooks, filters or settings', async () => {
    const mark = join(folder, 'mark');
    writeFileSync(join(source, '.gitattributes'), '* filter=evil');
    const commit = commitAll();
    git(source, 'config', 'uploadpack.packObjectsHook', `touch ${mark}`);
    git(source, 'config', 'filter.evil.smudge', `touch ${mark}`);
    git(source, 'config', 'core.fsmonitor', `touch ${mark}`);
    for (const hook of ['post-checkout', 'pre-receive', 'reference-transaction', 'post-index-change']) {
      writeFileSync(join(source, '.git/hooks', hook), `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 });
    }
    expect(await take({ commit })).toMatchObject({ ok: true });
    expect(existsSync(mark)).toBe(false);
  });

  test.each([
    'ext::sh -c touch% x',
    'ext::sh',
    '--upload-pack=touch x',
    '-oProxyCommand=x:y',
    'ssh://-oProxyCommand=x/y',
    'https://u:canary@h/r',
    'ftp://h/r',
    'a\nb',
    '',
  ])('with the URL %j is refused (f83dedd8d)', async (url) => {
    const failure = failureOf(await take({ url, commit: 'a'.repeat(40) }));
    expect(failure.code).toBe('PK3207');
    expect(JSON.stringify(failure)).not.toContain('canary');
  });

  test.each(['../outside', '/etc', 'file:///etc'])('at %j is outside of the project', async (url) => {
    expect(failureOf(await take({ url, commit: 'a'.repeat(40) })).code).toBe('PK3208');
  });
});

describe('submodules', () => {
  function withSubmodule(url: string, inner: string): string {
    writeFileSync(
      join(source, '.gitmodules'),
      `[submodule "m"]\n\tpath = dir/m\n\turl = ${url}\n[include]\n\tpath = /etc/passwd\n`,
    );
    git(source, 'add', '-A');
    git(source, 'update-index', '--add', '--cacheinfo', `160000,${inner},dir/m`);
    git(source, 'commit', '-q', '-m', 'x');
    return git(source, 'rev-parse', 'HEAD');
  }
  function other(): string {
    git(folder, 'init', '-q', '-b', 'main', join(folder, 'other'));
    writeFileSync(join(folder, 'other/g'), 'inner');
    return commitAll(join(folder, 'other'));
  }

  test('are empty directories unless asked for, and then what their commit has', async () => {
    const commit = withSubmodule('../other', other());
    expect(await contentOf(await take({ commit }))).toContain('dir 755 dir/m');
    const lines = await contentOf(await take({ commit, submodules: true }));
    expect(lines.slice(-3)).toEqual(['dir 755 dir', 'dir 755 dir/m', 'file 644 dir/m/g inner']);
    expect(await contentOf(await take({ commit, submodules: true, subdir: 'dir/m' }))).toEqual(['dir 755', 'file 644 g inner']);
  });

  test.each(['../../outside', 'file:///etc', 'ext::sh', '-x', '../../../../..'])('at %j are refused', async (url) => {
    const failure = failureOf(await take({ commit: withSubmodule(url, 'a'.repeat(40)), submodules: true }));
    expect(['PK3207', 'PK3208']).toContain(failure.code);
  });

  test('of a repository elsewhere cannot be on this machine', () => {
    const parent = { text: 'https://h/a/b.git', local: false };
    expect(submoduleUrl('../c.git', parent)).toEqual({ text: 'https://h/a/c.git', local: false });
    expect(submoduleUrl('https://other/x', parent)).toEqual({ text: 'https://other/x', local: false });
    for (const url of ['file:///etc', '/etc', 'x/y', '../../../..', '../../../x'])
      expect(() => submoduleUrl(url, parent), url).toThrow(expect.objectContaining({ code: 'PK3207' }));
  });

  test('without a URL are refused', async () => {
    const commit = withSubmodule('../other', other());
    writeFileSync(join(source, '.gitmodules'), '');
    git(source, 'add', '.gitmodules');
    git(source, 'commit', '-qm', 'x');
    expect(failureOf(await take({ commit: git(source, 'rev-parse', 'HEAD'), submodules: true })).code).toBe('PK3209');
    expect((await take({ commit })).ok).toBe(true);
  });
});

test('a server that is down is told from a repository that is not there', async () => {
  const down = failureOf(await take({ url: 'http://127.0.0.1:1/r', commit: 'a'.repeat(40) }));
  expect(down).toMatchObject({ code: 'PK3201', message: expect.stringContaining('127.0.0.1:1') });
  const server = createServer((_, response) => void response.writeHead(404).end());
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  expect(failureOf(await take({ url: `http://127.0.0.1:${port}/r`, commit: 'a'.repeat(40) })).code).toBe('PK3209');
  server.close();
});

test('without git, its package is named', async () => {
  const failure = failureOf(await take({ commit: 'a'.repeat(40) }, { path: '/nowhere' }));
  expect(failure).toMatchObject({ code: 'PK6901', hint: expect.stringContaining('package git') });
});

test('the forms of repositories', () => {
  expect(parseRepository('git@host:path/x.git')).toEqual({ text: 'git@host:path/x.git', local: false });
  expect(parseRepository('sub/dir')).toBeUndefined();
});
