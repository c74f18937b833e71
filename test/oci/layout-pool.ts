import { describe } from '../../src/oci/model/produce.ts';
import type { Produced } from '../../src/oci/model/produce.ts';

/** One of the layers that writers share: what one of them leaves behind, another finds. */
export function poolOf(at: number): Produced {
  const bytes = Buffer.alloc(2000, `layer ${at} `);
  return { bytes, descriptor: describe(bytes, 'application/octet-stream') };
}
