import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { graph as describeGraph } from '../../src/graph/build.ts';
import { vertexDigests } from '../../src/graph/digest.ts';
import type { Definition } from '../../src/graph/frontend.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { problemsOf } from '../../src/graph/problem.ts';
import { toml } from './index.ts';

interface World {
  readonly set?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
}

async function define(text: string, { set = {}, env = {}, files = {} }: World = {}): Promise<Definition> {
  return toml.load(
    { text, path: 'portkit.toml' },
    { set, env: (name) => env[name], read: (path) => files[path], signal: new AbortController().signal },
  );
}

async function load(text: string, world?: World): Promise<Graph> {
  return (await define(text, world)).graph;
}

/** `CODE line:column message`, one for each problem. */
async function problems(text: string, world?: World): Promise<readonly string[]> {
  const error = await load(text, world).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return problemsOf(error).map(
    ({ code, location, message }) =>
      `${code} ${location?.file === 'portkit.toml' ? '' : `${location?.file}:`}${location?.line}:${location?.column} ${message}`,
  );
}

function names(graph: Graph): readonly string[] {
  return graph.vertices.map(
    ({ name, inputs }) => `${name} <${inputs.map((input) => graph.vertices[input.vertex]?.name).join(' ')}`,
  );
}

describe('steps', () => {
  test('every kind, with friendly sizes and times', async () => {
    const graph = await load(`
[steps.tarball]
fetch = { url = "https://example.org/a.tar.xz", sha256 = "${'a'.repeat(64)}", max_size = "512MiB", mirrors = ["https://example.com/"], signature = { url = "u", keys = ["k"], fingerprints = ["f"], of = "uncompressed" } }
[steps.src]
local = { path = "src", exclude = ["*.o"] }
[steps.repo.git]
url = "https://example.org/r.git"
commit = "abc"
submodules = true
[steps.base]
image = { reference = "example.org/base:1", layout = "oci" }
[steps.packages]
deb = { packages = ["zlib1g=1:1.2", { name = "libc6" }], architecture = "amd64" }
[steps.xz]
decompress = { from = "step:tarball" }
[steps.kernel]
extract = { from = "step:xz", strip = 1 }
[steps.agent]
exec = { script = "make", inputs = { src = "step:src", here = "local:agent" }, root = "step:base", timeout = "1.5m", memory = "1GiB", processes = 50, output = { file = "agent" }, caches = [{ name = "cc", to = "/cache" }], secrets = [{ name = "key", env = "KEY" }], env = { TZ = "UTC" }, network = true, cwd = "/in/src", tools = ["make"] }
[steps.files]
tree = [
  { copy = "step:agent", path = "agent", to = "/usr/bin/agent", mode = "755" },
  { write = "/etc/passwd", text = "root" },
  { elf_libs = "/usr/bin/agent", from = "step:base" },
  { kernel_modules = "/lib/modules", from = "step:base", names = ["ext4"], release_file = "/etc/release" },
  { device = "/dev/null", kind = "char", major = 1, minor = 3 },
]
[steps.all]
merge = ["step:files", "step:packages", "step:repo", "step:kernel"]
[steps.tar]
archive = { from = "step:all" }
[steps.rootfs]
compress = { from = "step:tar", format = "gzip", level = 9 }
[steps.initrd]
cpio = { from = "step:files", kernel = "step:kernel", compress = "zstd", level = 19, mtime = 0 }
[steps.ext4]
ext4 = { from = "step:files", profile = "csum-journal", label = "root", headroom = "64MiB", inode_headroom = 9, mtime = -1 }
[steps.half]
ext4 = { from = "step:files", headroom = "50%" }
[steps.exact]
ext4 = { from = "step:files", size = "8MiB", sparse = true }
[steps.squashfs]
squashfs = { from = "step:files", compress = "xz", mtime = 7 }
[steps.erofs]
erofs = { from = "step:files", compress = "lz4hc", uuid = "01234567-89ab-cdef-0123-456789abcdef" }
[steps.esp]
vfat = { from = "step:files", label = "ESP", size = "64MiB", serial = "0123abcd" }
[steps.hashes]
verity = { from = "step:rootfs", output = "tree", salt = "00ff" }
[steps.disk]
disk = { size = "64MiB", partitions = [
  { from = "step:rootfs", type = "linux", name = "root", size = "1MiB" },
  { from = "step:hashes", type = "root-x86-64-verity", attributes = ["read-only"] },
  { from = "step:rootfs", type = "esp" },
] }
`);
    expect(names(graph)).toEqual([
      'tarball <',
      'src <',
      'repo <',
      'base <',
      'packages <',
      'xz <tarball',
      'kernel <xz',
      'agent <local:agent src base',
      'files <agent base',
      'all <files packages repo kernel',
      'tar <all',
      'rootfs <tar',
      'initrd <files kernel',
      'ext4 <files',
      'half <files',
      'exact <files',
      'squashfs <files',
      'erofs <files',
      'esp <files',
      'hashes <rootfs',
      'disk <rootfs hashes',
      'local:agent <',
    ]);
    expect(Object.entries(graph.targets).map(([name, { vertex }]) => `${name} ${vertex}`)).toEqual([
      'initrd 12',
      'ext4 13',
      'half 14',
      'exact 15',
      'squashfs 16',
      'erofs 17',
      'esp 18',
      'disk 20',
    ]);
    expect(graph.vertices.map(({ op }) => op)).toMatchObject([
      { type: 'fetch', digest: `sha256:${'a'.repeat(64)}`, maxSize: 512 * 2 ** 20, signature: { of: 'uncompressed' } },
      { type: 'local', path: 'src', exclude: ['*.o'] },
      { type: 'git', submodules: true },
      { type: 'image', layout: 'oci' },
      { type: 'deb', packages: [{ name: 'zlib1g', version: '1:1.2' }, { name: 'libc6' }], architecture: 'amd64' },
      { type: 'decompress' },
      { type: 'extract', strip: 1 },
      {
        type: 'exec',
        argv: ['/bin/sh', '-euc', 'make'],
        inputs: ['here', 'src', ''],
        root: { input: 2 },
        timeoutMs: 90_000,
        memoryBytes: 2 ** 30,
        caches: [{ name: 'cc', to: '/cache', share: 'shared' }],
      },
      {
        edits: [
          { copy: 0, path: 'agent', to: '/usr/bin/agent', mode: '0755' },
          { write: '/etc/passwd' },
          { elfLibs: '/usr/bin/agent', from: 1 },
          { kernelModules: '/lib/modules', from: 1, names: ['ext4'], releaseFile: '/etc/release' },
          { device: '/dev/null' },
        ],
      },
      { type: 'merge' },
      { type: 'archive', format: 'tar' },
      { type: 'compress', level: 9 },
      { type: 'cpio', compress: 'zstd', level: 19, mtime: 0 },
      { type: 'ext4', profile: 'csum-journal', label: 'root', headroom: 2 ** 26, inodeHeadroom: 9, mtime: -1 },
      { type: 'ext4', headroomPercent: 50 },
      { type: 'ext4', size: 2 ** 23, sparse: true },
      { type: 'squashfs', compress: 'xz', mtime: 7 },
      { type: 'erofs', compress: 'lz4hc', uuid: '01234567-89ab-cdef-0123-456789abcdef' },
      { type: 'vfat', label: 'ESP', size: 2 ** 26, serial: '0123abcd' },
      { type: 'verity', output: 'tree', salt: '00ff' },
      {
        type: 'disk',
        size: 2 ** 26,
        partitions: [
          { from: 0, type: 'linux', name: 'root', size: 2 ** 20 },
          { from: 1, attributes: ['read-only'] },
          { from: 0, type: 'esp' },
        ],
      },
      { type: 'local', path: 'agent' },
    ]);
    expect(JSON.stringify(graph.vertices[7]?.op)).not.toMatch(/timeout"|memory"|script/);
  });

  test('a boot names its images and what is to be found', async () => {
    const graph = await load(`
[steps.kernel]
local = { path = "." }
[steps.root]
local = { path = "." }
[steps.booted]
boot = { kernel = "step:kernel", rootfs = "step:root", memory = "256MiB", timeout = "90s", expect = [{ path = "/a", text = "b" }] }
`);
    expect(names(graph)).toEqual(['kernel <', 'root <', 'booted <kernel root']);
    expect(graph.vertices[2]?.op).toEqual({
      type: 'boot',
      kernel: 0,
      rootfs: 1,
      memoryBytes: 2 ** 28,
      timeoutMs: 90_000,
      expect: [{ path: '/a', text: 'b' }],
    });
    const both = `expect = [{ path = "/a", text = "b", sha256 = "${'a'.repeat(64)}" }]`;
    await expect(load(`[steps.x]\nboot = { kernel = "step:y", ${both} }\n[steps.y]\nlocal = { path = "." }\n`)).rejects.toThrow(
      /either by its digest or by its text/,
    );
  });

  test('an image of a registry may say that it speaks no TLS; one of a layout may not', async () => {
    const graph = await load('[steps.a]\nimage = { reference = "example.org/a:1", transport = "plain-http" }\n');
    expect(graph.vertices[0]?.op).toEqual({ type: 'image', reference: 'example.org/a:1', transport: 'plain-http' });
    expect(await problems('[steps.a]\nimage = { reference = "a", layout = "b", transport = "plain-http" }\n')).toEqual([
      expect.stringContaining('steps.a.image.transport: an image of a layout'),
    ]);
    expect(await problems('[steps.a]\nimage = { reference = "a", transport = "tls" }\n')).toEqual([
      expect.stringContaining('steps.a.image.transport'),
    ]);
  });

  test('a vmlinux is taken out of a file, or out of one file of a tree', async () => {
    const graph = await load(`
[steps.packages]
deb = { packages = ["linux-image-cloud-amd64"] }
[steps.kernel]
vmlinux = { from = "step:packages", path = "boot/vmlinuz-*" }
[steps.again]
vmlinux = { from = "step:kernel" }
`);
    expect(names(graph)).toEqual(['packages <', 'kernel <packages', 'again <kernel']);
    expect(graph.vertices.map(({ op }) => op)).toMatchObject([
      { type: 'deb' },
      { type: 'vmlinux', path: 'boot/vmlinuz-*' },
      { type: 'vmlinux' },
    ]);
    await expect(load('[steps.kernel]\nvmlinux = { path = "boot/vmlinuz" }\n')).rejects.toThrow(/from/);
  });

  test('the heads of tables are found past strings and comments', async () => {
    const text =
      'env = []\n[vars]\nx = """\n[steps.b]\n"""\ny = \'\'\'\n[steps.b]\'\'\'\n[steps."a"] # [steps.b]\nlocal = "."\n  [ steps . b ]\nlocal = "[steps.c]"\n[steps]\nc.local = "x"\n';
    const graph = await load(text);
    expect(graph.vertices.map(({ name, location }) => [name, location?.line, location?.column])).toEqual([
      ['a', 8, 9],
      ['b', 10, 13],
      ['c', 13, 1],
    ]);
  });

  test('targets by name', async () => {
    const graph = await load('[steps.a]\nlocal = "."\n[steps.b]\nmerge = ["step:a"]\n[targets]\nx = "step:a"\ny = "step:b"');
    expect(graph.targets).toEqual({ x: { vertex: 0, output: 0 }, y: { vertex: 1, output: 0 } });
  });
});

describe('variables', () => {
  const text = `
env = ["HOME"]
[vars]
version = "6.1"
name = "linux-\${version}"
[steps.kernel]
fetch = { url = "https://example.org/\${name}\${env:HOME}", max_size = "\${size}" }
[steps.echo]
exec = { script = "echo $\${HOME} $HOME" }
`.replace('version =', 'size = "1MiB"\nversion =');

  test('are put in, and can be set', async () => {
    const graph = await load(text, { env: { HOME: '/h' }, set: { version: '7' } });
    expect(graph.vertices.map(({ op }) => op)).toMatchObject([
      { url: 'https://example.org/linux-7/h', maxSize: 2 ** 20 },
      { argv: ['/bin/sh', '-euc', 'echo ${HOME} $HOME'] },
    ]);
  });

  test('of the environment may have a text for when they are not set or empty', async () => {
    const defaulted =
      'env = ["X"]\n[steps.a]\nlocal = "${env:X:-some/dir}"\n[steps.b]\nlocal = "b${env:X:-}"\n[steps.c]\nlocal = "c${env:X:+-x:+}"\n';
    const paths = async (env: Readonly<Record<string, string>>): Promise<unknown> =>
      (await load(defaulted, { env })).vertices.map(({ op }) => ('path' in op ? op.path : op));
    expect(await paths({})).toEqual(['some/dir', 'b', 'c']);
    expect(await paths({ X: '' })).toEqual(['some/dir', 'b', 'c']);
    expect(await paths({ X: 'x:-y' })).toEqual(['x:-y', 'bx:-y', 'c-x:+']);
    expect(await problems('[vars]\na = "${env:X:-b}"\n')).toEqual([
      'PK1107 2:5 vars.a: the environment variable "X" is not declared',
    ]);
  });

  test('that are unknown, not declared, not set, used too early, or of the wrong form are told', async () => {
    expect(await problems(text, { set: { versoin: '7' } })).toEqual([
      'PK1107 1:1 --set versoin: there is no variable "versoin"',
      'PK1107 8:17 steps.kernel.fetch.url: the environment variable "HOME" is not set',
    ]);
    expect(await problems(text, { set: { size: 'big' }, env: { HOME: '/' } })).toEqual([
      'PK1103 8:70 steps.kernel.fetch.max_size: expected a size such as "512MiB"',
    ]);
    expect(await problems('[vars]\na = "${b}"\nb = "${env:X}"\nc = "${"\n')).toEqual([
      'PK1107 2:5 vars.a: there is no variable "b"',
      'PK1107 3:5 vars.b: the environment variable "X" is not declared',
      'PK1107 4:5 vars.c: "${" has no "}"',
    ]);
  });

  test('are seen behind escapes and continued lines too', async () => {
    const graph = await load('[vars]\nx = "1"\n[steps.a]\nlocal = "\\u0024{x}"\n[steps.b]\nlocal = """$\\\n {x}"""\n');
    expect(graph.vertices.map(({ op }) => op)).toMatchObject([{ path: '1' }, { path: '1' }]);
  });

  test('tell shell code how to write its own', async () => {
    await expect(load('[steps.a]\nexec = { script = "echo ${HOME}" }')).rejects.toThrow(
      'there are no variables; write "$${" for a plain "${"',
    );
  });

  test('that double again and again come to an end', async () => {
    const doubling = Array.from(
      { length: 40 },
      (_, at) => `a${at} = "${at === 0 ? 'x'.repeat(1000) : `\${a${at - 1}}\${a${at - 1}}`}"`,
    );
    expect((await problems(`[vars]\n${doubling.join('\n')}`))[0]).toMatch(/^PK1110 13:/);
  });
});

describe('the matrix', () => {
  const text = `
[matrix]
architecture = ["x86_64", "aarch64"]
protection_mode = ["standard", "pvm"]
exclude = [{ architecture = "aarch64", protection_mode = "pvm" }]
[steps.src]
local = "src"
[steps.agent]
exec = { argv = ["make", "\${matrix.architecture}"], inputs = { src = "step:src" } }
[steps.rootfs]
merge = ["step:agent", "step:mode"]
[steps.mode]
tree = [{ write = "/etc/mode", text = "\${matrix.protection_mode}" }]
[steps.both]
matrix = []
merge = ["step:agent[x86_64]", "step:agent[aarch64]"]
`;

  test('makes a step for each cell that it uses, and refers within the cell', async () => {
    const graph = await load(text);
    expect(names(graph)).toEqual([
      'src <',
      'agent[x86_64] <src',
      'agent[aarch64] <src',
      'rootfs[x86_64,standard] <agent[x86_64] mode[standard]',
      'rootfs[x86_64,pvm] <agent[x86_64] mode[pvm]',
      'rootfs[aarch64,standard] <agent[aarch64] mode[standard]',
      'mode[standard] <',
      'mode[pvm] <',
      'both <agent[x86_64] agent[aarch64]',
    ]);
    expect(graph.vertices[2]?.op).toMatchObject({ argv: ['make', 'aarch64'] });
    expect(Object.keys(graph.targets)).toEqual([
      'rootfs[x86_64,standard]',
      'rootfs[x86_64,pvm]',
      'rootfs[aarch64,standard]',
      'both',
    ]);
    const named = await load(`${text}[targets]\nimage = "step:rootfs"\narm = "step:agent[aarch64]"\n`);
    expect(Object.keys(named.targets)).toEqual(['image[x86_64,standard]', 'image[x86_64,pvm]', 'image[aarch64,standard]', 'arm']);
  });

  test('refuses cells that are not there, and references that mean no single cell', async () => {
    const wrong = `
[steps.one]
matrix = ["substrate"]
merge = ["step:agent", "step:agent[mips]"]
[steps.two]
matrix = []
fetch = { url = "\${matrix.architecture}" }
`;
    expect(await problems(text + wrong)).toEqual([
      'PK1109 19:11 steps.one.matrix[0]: [matrix] has no axis "substrate"',
      'PK1109 20:10 steps.one.merge[0]: the step "agent" is made once for each architecture, and no single one is meant here',
      'PK1109 20:24 steps.one.merge[1]: the step "agent" has no cell "[mips]"',
      'PK1109 23:17 steps.two.fetch.url: there is no matrix axis "architecture" here',
    ]);
  });
});

describe('include', () => {
  test('adds files; names are shared and paths begin at the file that has them', async () => {
    const files = {
      'lib/kernel.toml':
        'include = ["more/vars.toml"]\n[steps.kernel]\nlocal = "src"\n[steps.use]\nmerge = ["local:x", "step:top"]',
      'lib/more/vars.toml': '[vars]\nx = "1"\n',
    };
    const graph = await load(
      'include = ["lib/kernel.toml", "lib/more/vars.toml"]\n[vars]\ny = "${x}"\n[steps.top]\nlocal = "${y}"\n',
      { files },
    );
    expect(names(graph)).toEqual(['kernel <', 'use <local:lib/x top', 'top <', 'local:lib/x <']);
    expect(graph.vertices.map(({ op }) => ('path' in op ? op.path : ''))).toEqual(['lib/src', '', '1', 'lib/x']);
    expect(graph.vertices[0]?.location).toEqual({ file: 'lib/kernel.toml', line: 2, column: 8, endColumn: 14 });
  });

  test('refuses other folders, files that are not there, circles and names that are taken', async () => {
    const files = {
      'a.toml': 'include = ["b.toml"]\n[steps.x]\nlocal = "."\n',
      'b.toml': 'include = ["a.toml", "portkit.toml"]\nbad =\n',
    };
    expect(
      await problems(
        'include = ["/etc/passwd", "../x.toml", "a/../../x", "none.toml", "a.toml", "a\\u0000"]\n[steps.x]\nlocal = "."\n',
        { files },
      ),
    ).toEqual([
      'PK1101 b.toml:2:6 invalid value',
      'PK1108 1:12 "/etc/passwd" is not a file below the definition\'s folder',
      'PK1108 1:27 "../x.toml" is not a file below the definition\'s folder',
      'PK1108 1:40 "a/../../x" is not a file below the definition\'s folder',
      'PK1108 1:53 there is no file "none.toml"',
      'PK1108 1:76 "a\\u0000" is not a file below the definition\'s folder',
      'PK1106 2:8 there are two steps named "x"',
    ]);
    files['b.toml'] = 'include = ["a.toml", "portkit.toml"]';
    expect(await problems('include = ["a.toml"]', { files })).toEqual([
      'PK1108 b.toml:1:12 "a.toml" includes itself: a.toml → b.toml → a.toml',
      'PK1108 b.toml:1:22 "portkit.toml" includes itself: portkit.toml → a.toml → b.toml → portkit.toml',
    ]);
  });
});

describe('errors', () => {
  test('all kinds are told in one go, each at its line and column', async () => {
    const text = `
[steps.kernel]
fetch = { url = "https://example.org/", sha25 = "ab" }
[steps.agent]
exec = { argv = "cc", inputs = { dep = "step:agnt" }, memory = "12XB" }
[steps.a]
merge = ["step:b"]
[steps.b]
merge = ["step:c", "local:x"]
[steps.c]
merge = ["step:a", "kernel"]
[steps.files]
tree = [{ cpoy = "step:a", to = "/" }, { copy = "step:a", too = "/" }, { write = "/x", mode = "99" }, 3, { to = "/" }]
[steps.two]
archive = { from = "step:kernel" }
extract = { from = "step:kernel", strip = -1 }
[steps.none]
[steps.bad]
x = tru
[steps.after]
merge = ["step:bad"]
[steps.a]
local = "."
[targets]
t = "step:kernell"
[stesp]
`;
    expect(await problems(text)).toEqual([
      'PK1102 3:41 unknown key "sha25" in steps.kernel.fetch',
      'PK1103 5:17 steps.agent.exec.argv: expected an array, not text',
      'PK1104 5:40 steps.agent.exec.inputs.dep: there is no step "agnt"',
      'PK1103 5:64 steps.agent.exec.memory: expected a size such as "512MiB"',
      'PK1105 6:8 steps wait for each other: a → b → c → a',
      'PK1103 11:20 steps.c.merge[1]: expected "step:NAME" or "local:PATH"',
      'PK1102 13:11 unknown key "cpoy" in steps.files.tree[0]',
      'PK1103 13:40 steps.files.tree[1]: the key "to" is missing',
      'PK1102 13:59 unknown key "too" in steps.files.tree[1]',
      'PK1103 13:95 steps.files.tree[2].mode: expected an octal mode such as "0755"',
      'PK1103 13:103 steps.files.tree[3]: expected a table',
      'PK1103 13:106 steps.files.tree[4]: expected one of the keys copy, write, mkdir, symlink, hardlink, device, remove, chmod, chown, xattr, elf_libs, kernel_modules',
      'PK1103 16:43 steps.two.extract.strip: expected 0 or more',
      'PK1103 17:8 steps.none: the step does not say what it is',
      'PK1101 19:5 invalid value',
      'PK1106 22:2 "steps.a" is there already',
      'PK1104 25:5 targets.t: there is no step "kernell"',
      'PK1102 26:2 unknown key "stesp" in the definition',
    ]);
  });

  test('a name that is taken shows what has it', async () => {
    await expect(load('[steps.rootfs]\nlocal = "."\n[steps.x]\nlocal = "."\nlocal = ","\n[steps.rootfs]\n')).rejects.toThrow(
      [
        '"local" is there already',
        '  --> portkit.toml:5:1',
        '  |',
        '5 | local = ","',
        '  | ^^^^^',
        '',
        'error[PK1106]: "steps.rootfs" is there already',
        '  --> portkit.toml:6:2',
        '  |',
        '6 | [steps.rootfs]',
        '  |  ^^^^^^^^^^^^',
        '  ::: portkit.toml:1:2 has this name already',
      ].join('\n'),
    );
  });

  test('names that are special to JavaScript are names, or refused', async () => {
    const graph = await load(
      '[steps.toString]\nlocal = "."\n[steps.b]\nmerge = ["step:toString"]\n[targets]\nvalueOf = "step:b"\n',
    );
    expect([names(graph), Object.keys(graph.targets)]).toEqual([['toString <', 'b <toString'], ['valueOf']]);
    expect(await problems('[steps.b]\nlocal = "."\n[steps.__proto__]\nlocal = "."\n')).toEqual([
      'PK1103 3:2 the names "constructor" and "__proto__" cannot be used',
    ]);
  });

  test('the text has the source line, a caret, and what was meant', async () => {
    await expect(load('[steps.rootfs]\nlocal = "."\nmatirx = []\n')).rejects.toThrow(
      [
        'unknown key "matirx" in steps.rootfs',
        '  --> portkit.toml:3:1',
        '  |',
        '3 | matirx = []',
        '  | ^^^^^^',
        '   = help: did you mean "matrix"?',
      ].join('\n'),
    );
  });
});

test('the same graph comes from TypeScript', async () => {
  const made = describeGraph(({ local, exec, tree }) => {
    const src = local('src', { path: 'agent' });
    const agent = exec('agent', { argv: ['make'], inputs: { src }, output: { file: 'agent' }, timeoutMs: 30_000 });
    return { rootfs: tree('rootfs', [{ copy: agent, to: '/init', mode: '0755' }, { mkdir: '/proc' }]) };
  });
  const written = await load(`
[steps.src]
local = "agent"
[steps.agent]
exec = { argv = ["make"], inputs = { src = "step:src" }, output = { file = "agent" }, timeout = "30s" }
[steps.rootfs]
tree = [{ copy = "step:agent", to = "/init", mode = "755" }, { mkdir = "/proc" }]
`);
  expect(vertexDigests(written)).toEqual(vertexDigests(made));
  expect(written.targets).toEqual(made.targets);
});

describe('definitions that ask for too much', () => {
  test('are read in time, or refused', async () => {
    const escapes = await load(`[vars]\nx = """${'\\n'.repeat(3_000_000)}"""\n[steps.a]\nlocal = "."\n`);
    expect(escapes.vertices[0]?.location?.line).toBe(3);
    const unknown = Array.from({ length: 1000 }, (_, at) => `[steps.s${at}]\nmerge = ["step:t${at}"]\n`).join('');
    expect(await problems(unknown)).toHaveLength(1000);
    const copies = Array.from({ length: 100 }, (_, at) => `[steps.s${at}]\nlocal = "\${x}"\n`).join('');
    expect((await problems(`[vars]\nx = "${'x'.repeat(1_000_000)}"\n${copies}`))[0]).toMatch(
      /^PK1110 .* the definition is longer than/,
    );
    expect((await problems('#'.repeat(17_000_000)))[0]).toMatch(/^PK1110 1:1 the definition has more than/);
    const cells = Array.from({ length: 20_000 }, (_, at) => `s${at}.matrix = ["architecture", "substrate", "protection_mode"]`);
    const matrix =
      'architecture = ["x86_64", "aarch64"]\nsubstrate = ["firecracker", "cloud-hypervisor", "avf"]\nprotection_mode = ["standard", "pvm"]';
    expect((await problems(`[matrix]\n${matrix}\n[steps]\n${cells.join('\n')}`))[0]).toMatch(/^PK1110 .* more than 200000 steps/);
  });
});

describe("Port's tables", () => {
  const port = `
[hosts.one]
address = "x"
nodes = [1, { a = 1979-05-27 }]
[[clusters]]
anything.goes = true
[services]
[control_planes.demo]
endpoint = "http://127.0.0.1:7040"
audience = "port-hosted-demo"
[control_planes.demo.auth]
scheme = "bearer"
header = "authorization"
[control_planes.demo.auth.source]
kind = "env"
variable = "PORT_DEMO_TOKEN"
[artifacts.kernels.demo-kernel]
build = "build-demo-kernel"
validate = "validate-demo-kernel"
[artifacts.kernels.demo-kernel.reference]
registry = "demo-fs"
repository = "port/demo-kernel"
version = "v1"
[artifacts.kernels.demo-kernel.distribution]
cache_root = ".port/cache"
[artifacts.kernels.demo-kernel.distribution.push]
backend = "file-system"
root = "artifact-store/demo-fs"
[artifacts.kernels.demo-kernel.distribution.pull]
backend = "oci-registry"
transport = "plain-http"
[artifacts.kernels.demo-kernel.distribution.pull.auth]
kind = "anonymous"
[[artifacts.kernels.demo-kernel.variants]]
path = "artifacts/kernel/demo/x86_64/firecracker/standard/vmlinux"
[artifacts.kernels.demo-kernel.variants.selector]
architecture = "x86_64"
substrate = "firecracker"
protection_mode = "standard"
`;

  test('load unchanged and make no steps', async () => {
    expect(await load(port)).toEqual({ vertices: [], targets: {} });
  });

  test('may name the steps that build them, which must be there', async () => {
    const built = port.replace(
      'protection_mode = "standard"\n',
      'protection_mode = "standard"\nbuild = { step = "vmlinux", initrd = "initrd" }\n',
    );
    const named = port.replace(
      '[artifacts.kernels.demo-kernel.variants.selector]',
      'build = { step = "vmlinux", initrd = "initrd" }\n$&',
    );
    expect(await problems(built)).toHaveLength(1);
    expect(await problems(`${named}\n[steps.vmlinuz]\nlocal = "."`)).toEqual([
      'PK1104 36:18 artifacts.kernels.demo-kernel.variants[0].build.step: there is no step "vmlinux"',
      'PK1104 36:38 artifacts.kernels.demo-kernel.variants[0].build.initrd: there is no step "initrd"',
    ]);
  });

  test('may name their steps by variables, and by the selector', async () => {
    const named = (step: string) =>
      define(`
[vars]
lane = "own"
[matrix]
architecture = ["x86_64"]
[steps.own-x86_64]
local = "k"
${port.replace('[artifacts.kernels.demo-kernel.variants.selector]', `build = { step = "${step}" }\n$&`)}`);
    const { artifacts } = await named('${lane}-${matrix.architecture}');
    expect(artifacts[0]?.variants[0]?.build).toEqual({ step: 'own-x86_64' });
    await expect(named('${line}')).rejects.toThrow('variants[0].build.step: there is no variable "line"');
    await expect(named('${matrix.protection_mode}')).rejects.toThrow('there is no step "standard"');
    await expect(named('a b')).rejects.toThrow('expected the name of a step');
  });

  test('come out with the steps of their selectors', async () => {
    const text = `${port.replace('[artifacts.kernels.demo-kernel.variants.selector]', 'build = { step = "vmlinux" }\n$&')}
[matrix]
architecture = ["x86_64", "aarch64"]
[steps.vmlinux]
tree = [{ write = "/vmlinux", text = "\${matrix.architecture}" }]
`;
    const { artifacts } = await define(text);
    expect(artifacts).toEqual([
      {
        kind: 'kernel',
        name: 'demo-kernel',
        reference: { registry: 'demo-fs', repository: 'port/demo-kernel', version: 'v1' },
        cacheRoot: '.port/cache',
        push: { backend: 'file-system', root: 'artifact-store/demo-fs' },
        pull: { backend: 'oci-registry', transport: 'plain-http', auth: { kind: 'anonymous' } },
        variants: [
          {
            selector: { architecture: 'x86_64', substrate: 'firecracker', protection_mode: 'standard' },
            path: 'artifacts/kernel/demo/x86_64/firecracker/standard/vmlinux',
            build: { step: 'vmlinux[x86_64]' },
          },
        ],
      },
    ]);
    expect(await problems(text.replace('["x86_64", "aarch64"]', '["aarch64"]'))).toEqual([
      'PK1109 36:18 artifacts.kernels.demo-kernel.variants[0].build.step: the step "vmlinux" is made once for each architecture, and no single one is meant here',
    ]);
  });

  test('are told where they collide or lead outside', async () => {
    const again = `
[[artifacts.kernels.demo-kernel.variants]]
path = "../vmlinux"
selector = { architecture = "x86_64", substrate = "firecracker", protection_mode = "standard" }
`;
    const wrong = port.replace('version = "v1"', 'version = "v 1"').replace('http://127.0.0.1:7040', '127.0.0.1:7040');
    expect(await problems(wrong + again)).toEqual([
      'PK1103 9:12 control_planes.demo.endpoint: expected an http or https address such as "http://127.0.0.1:7040"',
      'PK3901 23:11 artifacts.kernels.demo-kernel.reference.version: expected letters, digits and _ . - (at most 90) such as "v1"',
      'PK3906 42:8 artifacts.kernels.demo-kernel.variants[1].path: the path "../vmlinux" leads up, and has to stay in the project',
      'PK3905 43:12 artifacts.kernels.demo-kernel.variants[1].selector: two variants have the selector x86_64/firecracker/standard',
    ]);
  });

  test('of the sample load as they are', async () => {
    const { graph, artifacts } = await define(readFileSync('test/artifacts/port.toml', 'utf8'));
    expect(graph).toEqual({ vertices: [], targets: {} });
    expect(artifacts.map(({ kind, name, variants }) => `${kind} ${name} ${variants.length}`)).toEqual([
      'kernel demo-kernel 7',
      'guest-image demo-guest 7',
    ]);
  });

  test('of registries say who asks, from where and under which tags', async () => {
    const [before = '', after = ''] = port.split('backend = "oci-registry"');
    const rest = after.slice(after.indexOf('\n[['));
    const pullOf = async (auth: string) => {
      const { artifacts } = await define(`${before}backend = "oci-registry"\ntag_form = "per-variant"\nauth = ${auth}\n${rest}`);
      return artifacts[0]?.pull;
    };
    const secret = '{ kind = "env", variable = "PASSWORD" }';
    const source = { kind: 'env', variable: 'PASSWORD' };
    const shared = { backend: 'oci-registry', tagForm: 'per-variant' };
    expect(await pullOf('{ kind = "docker-config" }')).toEqual({ ...shared, auth: { kind: 'docker-config' } });
    expect(await pullOf(`{ kind = "bearer", source = ${secret} }`)).toEqual({ ...shared, auth: { kind: 'bearer', source } });
    expect(await pullOf(`{ kind = "basic", username = ${secret}, password = ${secret} }`)).toEqual({
      ...shared,
      auth: { kind: 'basic', username: source, password: source },
    });
    const auth = 'artifacts.kernels.demo-kernel.distribution.pull.auth';
    const problemsOf = (text: string) => problems(`${before}backend = "oci-registry"\nauth = ${text}\n${rest}`);
    expect(await problemsOf('{ kind = "basic" }')).toEqual([
      `PK1103 31:1 ${auth}: the key "username" is missing`,
      `PK1103 31:1 ${auth}: the key "password" is missing`,
    ]);
    expect(await problemsOf('{ kind = "bearer", source = "x" }')).toEqual([
      `PK1103 31:36 ${auth}.source: expected a table, not text`,
    ]);
    expect(await problemsOf('{ kind = "anonymous", source = 1 }')).toEqual([`PK1102 31:30 unknown key "source" in ${auth}`]);
    expect(await problemsOf('{ kind = "x" }')).toEqual([
      `PK1103 31:17 ${auth}.kind: expected "anonymous" or "basic" or "bearer" or "docker-config"`,
    ]);
  });

  test('are strict inside ours', async () => {
    const wrong = port
      .replace('"firecracker"', '"firecraker"')
      .replace('root = "artifact', 'rooot = "artifact')
      .replace('backend = "oci-registry"', 'backend = "oci"')
      .replace('variable =', 'varable =');
    expect(await problems(wrong)).toEqual([
      'PK1103 14:27 control_planes.demo.auth.source: the key "variable" is missing',
      'PK1102 16:1 unknown key "varable" in control_planes.demo.auth.source',
      'PK1103 26:45 artifacts.kernels.demo-kernel.distribution.push: the key "root" is missing',
      'PK1102 28:1 unknown key "rooot" in artifacts.kernels.demo-kernel.distribution.push',
      'PK1103 30:11 artifacts.kernels.demo-kernel.distribution.pull.backend: expected "file-system" or "hosted-api" or "oci-registry"',
      'PK1103 38:13 artifacts.kernels.demo-kernel.variants[0].selector.substrate: expected "firecracker" or "cloud-hypervisor" or "avf"',
    ]);
  });
});
