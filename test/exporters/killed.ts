import { exportersFor } from '../../exporters/index.ts';
import { noRegistry } from './results.ts';
import { takeLock } from '../../src/execution/lock.ts';
import { signal, startResults } from './results.ts';

/** Prepares an output of 300 files in the directory given, and is killed: then, or after some of the files are in place. */
const [directory = '', output = '', when] = process.argv.slice(2);
const results = startResults();
const things = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`d${at % 10}/f${at}`, { text: `new ${at}` }]));
const target = await results.tree('root', things);
const world = { directory, isRoot: false, writeOut: () => Promise.resolve(), takeLock, openRepository: noRegistry };
const [exporter] = await exportersFor([output], world);
const prepared = await exporter?.prepare([target], { blobs: results.blobs, signal });
if (when === 'prepared') process.kill(process.pid, 'SIGKILL');
process.stdout.write('publishing\n');
await prepared?.publish(signal);
// What the parent's signal did not meet in time is killed before it clears away.
process.kill(process.pid, 'SIGKILL');
