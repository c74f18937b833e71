/** What `import … from 'portkit'` gives: graphs for definitions, and the types of plugins. */
export { graph } from './graph/build.ts';
export type { Handle, Steps } from './graph/build.ts';
export type { Graph } from './graph/graph.ts';
export type { ExportContext, Exported, Exporter, Prepared, ReadableBlobs, Receipt, Target } from './artifacts/exporter.ts';
export type { PluginOptions } from '../exporters/plugin/index.ts';
export type { Postprocess, PostprocessRequest, PostprocessResult } from './postprocessors/external/protocol.ts';
