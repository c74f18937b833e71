// openpgp's own types name a package that it does not depend on; of that, these two are all it uses.
declare module '@openpgp/web-stream-tools' {
  import type { ReadableStream } from 'node:stream/web';
  export type WebStream<T> = ReadableStream<T>;
  export type NodeWebStream<T> = ReadableStream<T>;
}
