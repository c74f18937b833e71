/** A run of blocks of a file, in the order of the file; or a block that holds a part of the map itself. */
export type Piece =
  | { readonly kind: 'data'; readonly logical: number; readonly block: number; readonly count: number; readonly written: boolean }
  | { readonly kind: 'map'; readonly block: number };
