import { expect, test } from 'vitest';
import { libraryDocument } from '../../../test/postprocessors/library-document.ts';
import { digestOf } from '../../base/digest.ts';
import { cycloneDocument } from './cyclonedx.ts';
import type { Inventory } from './inventory.ts';

const digest = digestOf('x');
const inventory: Inventory = {
  name: 'demo',
  manifest: digest,
  subjects: [
    {
      name: 'rootfs',
      kind: 'tree',
      digest,
      system: { id: 'debian', version: '12' },
      packages: [
        { manager: 'deb', name: 'g++', version: '4:12.2.0-3~x', architecture: 'amd64' },
        { manager: 'apk', name: 'musl', version: '1', architecture: 'x86_64', license: 'MIT AND "more"' },
      ],
      kernels: [
        { digest, path: 'boot/vmlinuz', release: '6.1', architecture: 'x86_64', config: digest },
        { digest, path: 'boot/Image' },
      ],
      programs: [{ name: 'init', path: 'init', digest }],
      unread: [],
    },
    { name: 'vmlinux', kind: 'blob', digest, packages: [], kernels: [{ digest }], programs: [], unread: [] },
    { name: 'other', kind: 'tree', digest, system: { id: 'alpine' }, packages: [], kernels: [], programs: [], unread: [] },
  ],
  sources: [
    { name: 'a', url: 'https://example.org/a b', digest },
    { name: 'b', url: 'https://example.org/b', digest: `sha512:${'2'.repeat(128)}` },
    { name: 'c', url: 'example.org:repo.git', digest: 'a'.repeat(40) },
    { name: 'd', url: 'pkg:deb/debian/d@1', digest: 'sha256:short' },
    { name: '../agent', url: 'local:../agent', tree: digest },
  ],
};

test("a document is what OWASP's library makes of the same", () => {
  expect(JSON.parse(cycloneDocument(inventory))).toEqual(JSON.parse(libraryDocument(inventory)));
  const none = { name: 'none', subjects: [], sources: [] };
  expect(JSON.parse(cycloneDocument(none))).toEqual(JSON.parse(libraryDocument(none)));
});
