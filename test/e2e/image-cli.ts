import { spawnSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, mkdtempSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'vitest';
import { digestOf, hexOf } from '../../src/base/digest.ts';

/** The program that users start. */
export const program = join(import.meta.dirname, '../../bin/portkit');

/** A folder of its own, and `portkit image` in it. */
export function imageCli(name: string) {
  const folder = mkdtempSync(join(tmpdir(), `portkit-${name}-`));

  /** With another PATH, programs that are there are not found. */
  function image(args: readonly string[], input?: Buffer, path = process.env['PATH']) {
    const env = { PATH: path, HOME: folder, PORTKIT_NODE: process.execPath };
    const how = { encoding: 'utf8', env, cwd: folder, ...(input && { input }) } as const;
    const { status, stdout, stderr } = spawnSync('/bin/sh', [program, 'image', ...args], how);
    return { status, stdout, stderr };
  }

  return {
    folder,
    at: (path: string): string => join(folder, path),
    image,
    make: (...args: readonly string[]): void => {
      expect(image(args), args.join(' ')).toMatchObject({ status: 0, stderr: '' });
    },
  };
}

/** Writes an OCI layout whose one image, named `one`, has this tar as its layer. */
export function makeLayout(layout: string, tar: Buffer): void {
  mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });
  const blob = (bytes: Buffer | string, mediaType: string) => {
    const digest = digestOf(bytes);
    writeFileSync(join(layout, `blobs/sha256/${hexOf(digest)}`), bytes);
    return { mediaType, digest, size: Buffer.byteLength(bytes) };
  };
  const type = 'application/vnd.oci.image';
  const rootfs = { type: 'layers', diff_ids: [digestOf(tar)] };
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const config = blob(JSON.stringify({ architecture, os: 'linux', rootfs }), `${type}.config.v1+json`);
  const layers = [blob(gzipSync(tar), `${type}.layer.v1.tar+gzip`)];
  const mediaType = `${type}.manifest.v1+json`;
  const manifest = blob(JSON.stringify({ schemaVersion: 2, mediaType, config, layers }), mediaType);
  const named = { ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'one' } };
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [named] }));
}

/** A directory with something of everything that needs no rights. */
export function makeSource(source: string): void {
  mkdirSync(join(source, 'etc/deep'), { recursive: true });
  writeFileSync(join(source, 'etc/passwd'), 'root:x:0:0\n');
  writeFileSync(join(source, 'etc/ä b'), '');
  writeFileSync(join(source, 'big'), Buffer.alloc(3_000_001, 'portkit'));
  chmodSync(join(source, 'etc/passwd'), 0o4750);
  linkSync(join(source, 'etc/passwd'), join(source, 'second'));
  symlinkSync('etc/passwd', join(source, 'link'));
  utimesSync(join(source, 'big'), 1.5, 1.5);
}
