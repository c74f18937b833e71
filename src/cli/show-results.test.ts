import { expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import { showReceipt } from './show-results.ts';

const digest = digestOf('');
const exported = (path: string) => [{ target: 'pack', ref: { kind: 'tree', digest } as const, path, files: 3, bytes: 2048 }];
const done = { written: 3, unchanged: 0, warnings: ['no owners'] };

test('who publishes learns the name to ask for, with its digest', () => {
  const path = `a.b/c:v1@${digest}`;
  expect(showReceipt({ type: 'oci-registry', destination: 'a.b/c', exported: exported(path), ...done }).split('\n')).toEqual([
    'oci-registry a.b/c: pack (2.0 KiB; 3 written, 0 unchanged)',
    `  ${path}`,
    'warning: no owners',
  ]);
});

test('files have no such name', () => {
  const lines = showReceipt({ type: 'local', destination: 'out', exported: exported('out/a@b'), ...done }).split('\n');
  expect(lines).toEqual(['local out: pack (2.0 KiB; 3 written, 0 unchanged)', 'warning: no owners']);
});
