/** What `import … from 'portkit'` gives: graphs for definitions, the types of plugins, and what exporters are made with. */
export { graph } from './graph/build.ts';
export { PortkitError } from './base/errors.ts';
export { checkNames, chooseTargets } from '../exporters/files/choose.ts';
export { layout as listFiles } from '../exporters/files/layout.ts';
export { tarOf } from '../exporters/tar/contents.ts';
export type { Handle, Steps } from './graph/build.ts';
export type { Graph } from './graph/graph.ts';
export type { ExportContext, Exported, Exporter, Prepared, ReadableBlobs, Receipt, Target } from './artifacts/exporter.ts';
export type { PluginOptions } from '../exporters/plugin/index.ts';
export type { Postprocess, PostprocessRequest, PostprocessResult } from './postprocessors/external/protocol.ts';
