import type { Descriptor } from '../model/descriptor.ts';

/** What happens to one blob or manifest while it is copied; `bytes` are those that are at the target already. */
export interface CopyEvent {
  readonly type: 'blob';
  readonly descriptor: Descriptor;
  readonly state: 'begun' | 'progress' | 'stored' | 'existed' | 'mounted';
  readonly bytes: number;
}
