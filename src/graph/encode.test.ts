import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PortkitError } from '../base/errors.ts';
import { decodeGraph } from './decode.ts';
import { vertexDigests } from './digest.ts';
import { encodeGraph } from './encode.ts';
import type { Graph } from './graph.ts';
import type { OpSpec, TreeEdit } from './ops.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 8 });
const small = fc.nat({ max: 2 ** 32 - 1 });
const large = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const texts = fc.dictionary(
  text.filter((key) => key !== '__proto__'),
  text,
  { minKeys: 1, maxKeys: 3 },
);
const list = fc.array(text, { minLength: 1, maxLength: 3 });

/** A record whose `optional` fields may be missing. */
function record<R extends object, O extends object>(
  needed: { [K in keyof R]: fc.Arbitrary<R[K]> },
  optional: { [K in keyof O]: fc.Arbitrary<O[K]> },
): fc.Arbitrary<R & Partial<O>> {
  return fc.record({ ...needed, ...optional }, { requiredKeys: Object.keys(needed) as never }) as never;
}

const attributes = { mode: text, uid: small, gid: small, mtime: fc.integer() };
const copies = record(
  { copy: fc.constant(0), to: text },
  { path: text, include: list, exclude: list, strip: small, ...attributes },
);
const edit: fc.Arbitrary<TreeEdit> = fc.oneof(
  copies,
  record({ write: text }, { text, base64: text, ...attributes }),
  record({ mkdir: text }, attributes),
  record({ symlink: text, target: text }, attributes),
  record({ hardlink: text, target: text }, {}),
  record({ device: text, kind: fc.constantFrom('char', 'block', 'fifo') }, { major: small, minor: small, ...attributes }),
  record({ remove: text }, {}),
  record({ chmod: text, mode: text }, { recursive: fc.boolean() }),
  record({ chown: text, uid: small, gid: small }, { recursive: fc.boolean() }),
  record({ xattr: text, name: text }, { text, base64: text }),
  record({ elfLibs: text, from: fc.constant(0) }, { to: text }),
  record({ kernelModules: text, from: fc.constant(0), names: list }, { release: text, releaseFile: text }),
);

function type<T extends string>(value: T): fc.Arbitrary<T> {
  return fc.constant(value);
}

/** Ops with how many inputs they take. */
const sources: fc.Arbitrary<OpSpec> = fc.oneof(
  record(
    { type: type('fetch'), url: text },
    {
      digest: text,
      mirrors: list,
      maxSize: large,
      signature: record({ url: text, keys: list, fingerprints: list }, { of: fc.constantFrom('file', 'uncompressed') }),
    },
  ),
  record({ type: type('local'), path: text }, { include: list, exclude: list }),
  record({ type: type('git'), url: text, commit: text }, { submodules: fc.boolean(), subdir: text }),
  record(
    { type: type('image'), reference: text },
    { digest: text, platform: text, layout: text, transport: fc.constant('plain-http') },
  ),
  record(
    {
      type: type('deb'),
      packages: fc.array(record({ name: text }, { version: text, sha256: text, depends: text }), { maxLength: 3 }),
    },
    { architecture: text },
  ),
);
const program = { argv: fc.array(text, { minLength: 1, maxLength: 3 }), root: fc.constantFrom('host' as const, { input: 0 }) };
const sandbox = {
  tools: list,
  env: texts,
  network: fc.boolean(),
  secrets: fc.array(record({ name: text }, { to: text, env: text }), { minLength: 1, maxLength: 2 }),
  timeoutMs: large,
  memoryBytes: large,
  processes: small,
};
const workers: fc.Arbitrary<OpSpec> = fc.oneof(
  record(
    {
      type: type('exec'),
      argv: fc.array(text, { maxLength: 3 }),
      inputs: fc.constant(['a']),
      root: fc.constantFrom('host', { input: 0 }),
    },
    {
      tools: list,
      env: texts,
      cwd: text,
      network: fc.boolean(),
      output: record({ file: text }, {}),
      caches: fc.array(record({ name: text, to: text, share: fc.constantFrom('shared', 'locked') }, {}), {
        minLength: 1,
        maxLength: 2,
      }),
      secrets: fc.array(record({ name: text }, { to: text, env: text }), { minLength: 1, maxLength: 2 }),
      timeoutMs: large,
      memoryBytes: large,
      processes: small,
    },
  ),
  record({ type: type('external'), ...program, inputs: fc.constant(['layout']) }, { ...sandbox, options: text }),
  record({ type: type('deploy'), ...program, inputs: fc.constant(['layout']) }, sandbox),
  record({ type: type('tree'), edits: fc.array(edit, { maxLength: 4 }) }, {}),
  record({ type: type('merge') }, {}),
  record({ type: type('extract') }, { strip: small }),
  record({ type: type('archive'), format: type('tar') }, {}),
  record({ type: type('cpio') }, { compress: fc.constantFrom('none', 'gzip', 'zstd', 'xz', 'lz4'), level: small, mtime: large }),
  record(
    { type: type('ext4') },
    {
      profile: fc.constantFrom('plain', 'csum', 'journal', 'csum-journal'),
      label: text,
      uuid: text,
      size: large,
      headroom: large,
      headroomPercent: small,
      inodes: small,
      inodeHeadroom: small,
      mtime: large,
      sparse: fc.boolean(),
    },
  ),
  record(
    { type: type('boot'), kernel: fc.constant(0) },
    {
      initrd: fc.constant(0),
      rootfs: fc.constant(0),
      architecture: fc.constantFrom('x86_64', 'aarch64'),
      memoryBytes: large,
      append: text,
      timeoutMs: large,
      expect: fc.array(record({ path: text }, { sha256: text, text }), { minLength: 1, maxLength: 2 }),
    },
  ),
  record(
    {
      type: type('disk'),
      partitions: fc.array(
        record(
          { from: fc.constant(0), type: text },
          { name: text, uuid: text, attributes: fc.array(text, { minLength: 1, maxLength: 2 }), size: large },
        ),
        { maxLength: 3 },
      ),
    },
    { uuid: text, size: large },
  ),
  record({ type: type('verity') }, { output: fc.constantFrom('tree', 'image', 'root-hash'), salt: text, uuid: text }),
  record(
    { type: type('provenance') },
    { mode: fc.constantFrom('min', 'max'), attach: fc.boolean(), builder: text, time: fc.integer() },
  ),
  record({ type: type('sign'), key: text }, { passphrase: text }),
  record({ type: type('verify'), keys: list }, { predicateTypes: list }),
  record({ type: type('squashfs') }, { compress: fc.constantFrom('gzip', 'zstd', 'xz', 'lz4'), mtime: large }),
  record({ type: type('erofs') }, { compress: fc.constantFrom('none', 'lz4', 'lz4hc'), uuid: text, mtime: large }),
  record({ type: type('vfat') }, { label: text, size: large, serial: text, mtime: large }),
  record({ type: type('compress'), format: fc.constantFrom('gzip', 'zstd', 'xz', 'lz4') }, { level: small }),
  record({ type: type('decompress') }, { format: fc.constantFrom('gzip', 'zstd', 'xz', 'lz4') }),
  record({ type: type('vmlinux') }, { path: text }),
  record(
    {
      type: type('oci'),
      variants: fc.array(
        record(
          {
            layers: fc.array(
              record(
                { from: fc.constant(0), name: text },
                { mediaType: text, compress: fc.constantFrom('gzip', 'zstd'), annotations: texts },
              ),
              { maxLength: 2 },
            ),
          },
          {
            from: fc.constant(0),
            platform: record({ os: text, architecture: text }, { variant: text }),
            config: text,
            configFrom: fc.constant(0),
            annotations: texts,
          },
        ),
        { minLength: 1, maxLength: 2 },
      ),
    },
    { family: text, artifactType: text, configType: text, tag: text, annotations: texts },
  ),
  record(
    { type: type('sbom'), format: fc.constantFrom('cyclonedx', 'spdx'), names: fc.tuple(text) },
    {
      name: text,
      sources: fc.array(record({ name: text, url: text }, { digest: text }), { minLength: 1, maxLength: 2 }),
    },
  ),
  record({ type: type('rewriteTimestamps'), latest: fc.integer() }, {}),
) as never;

const location = record({ file: text, line: small, column: small }, { endColumn: small });

const graphs: fc.Arbitrary<Graph> = fc
  .tuple(
    sources,
    fc.array(fc.tuple(workers, fc.nat(), fc.option(location)), { maxLength: 6 }),
    fc.uniqueArray(text, { maxLength: 3 }),
  )
  .map(([first, rest, targets]) => ({
    vertices: [
      { name: 's', op: first, inputs: [] },
      ...rest.map(([op, input, place], at) => ({
        name: `s${at}`,
        op,
        // Nothing can use a deployment.
        inputs: [{ vertex: rest[(input % (at + 1)) - 1]?.[0].type === 'deploy' ? 0 : input % (at + 1), output: 0 }],
        ...(place && { location: place }),
      })),
    ],
    targets: Object.fromEntries(targets.map((name, at) => [name, { vertex: at % (rest.length + 1), output: 0 }])),
  }));

describe('a binary definition', () => {
  test('gives back the graph it was made from, in one form only', () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const bytes = encodeGraph(graph);
        const back = decodeGraph(bytes);
        expect(back).toEqual(graph);
        expect(vertexDigests(back)).toEqual(vertexDigests(graph));
        const reversed = { ...graph, targets: Object.fromEntries(Object.entries(graph.targets).toReversed()) };
        expect(Buffer.from(encodeGraph(reversed)).equals(bytes)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('is refused as a whole, in our words, when it is damaged', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 });
    let refused = 0;
    fc.assert(
      fc.property(graphs, damage, fc.nat(), (graph, changes, cut) => {
        const bytes = encodeGraph(graph).slice(0, cut % 3 === 0 ? cut % 500 : undefined);
        for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
        try {
          decodeGraph(bytes);
        } catch (error) {
          refused += 1;
          if (!(error instanceof PortkitError)) throw error;
          expect(error.code).toMatch(/^PK110|PK1110/);
        }
      }),
      { numRuns: 500 },
    );
    expect(refused).toBeGreaterThan(100);
  });

  test('may not hold what this version does not know', () => {
    for (const bytes of [[0x7a, 0x00], [0x0b, 0x0c], [0x0a, 0x7f], [0x0a], [0x08, 0x01], Array(10_000).fill(0x0b)])
      expect(() => decodeGraph(Uint8Array.from(bytes))).toThrow('The bytes are not a binary definition');
    expect(() => decodeGraph(Uint8Array.from([0x0a, 0x03, 0x0a, 0x01, 0x61]))).toThrow('step "a": it does not say what it is');
  });

  test('is checked: words, wiring, names', () => {
    const wrong: Graph = {
      vertices: [
        { name: 'a', op: { type: 'compress', format: 'lzo' as never }, inputs: [] },
        { name: 'b', op: { type: 'tree', edits: [{ device: '/x', kind: 'door' as never }] }, inputs: [] },
      ],
      targets: {},
    };
    expect(() => decodeGraph(encodeGraph(wrong))).toThrow(
      /"lzo", not gzip or zstd or xz or lz4[^]*"door", not char or block or fifo/,
    );
    const cycle: Graph = { vertices: [{ name: 'a', op: { type: 'merge' }, inputs: [{ vertex: 0, output: 0 }] }], targets: {} };
    expect(() => decodeGraph(encodeGraph(cycle))).toThrow('step "a" needs itself');
  });

  test('cannot ask for more memory than it should', () => {
    const empties = new Uint8Array(18_000_000).fill(0x12);
    for (let at = 1; at < empties.length; at += 2) empties[at] = 0;
    expect(() => decodeGraph(empties)).toThrow('The definition has more than 8000000 values');
    expect(() => decodeGraph(new Uint8Array(70_000_000))).toThrow('bytes');
  });
});
