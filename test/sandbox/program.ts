import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { ListenOptions } from 'node:net';
import { join } from 'node:path';
import { nobodyElse } from '../../src/execution/workplace.ts';
import { attempts } from './attempts.ts';
import { countProcesses, openRig, run, script, sleepers } from './rig.ts';
import type { Rig } from './rig.ts';

/**
 * `program.ts FOLDER escapes` tries every way out and prints what came of each; `program.ts FOLDER hold WORD` runs sleepers
 * until it is killed. A program of its own, so that it can be run as root and as somebody else.
 */
const [, , folder = '', task = '', word = ''] = process.argv;
await using rig = await openRig(folder);
if (task === 'hold') {
  await rig.executor.run(script(`${sleepers(word)}; wait`), {
    signal: new AbortController().signal,
    output: () => console.log('holding'),
  });
} else console.log(JSON.stringify(await tryAll(rig)));

async function tryAll(rig: Rig): Promise<unknown> {
  const secretFile = join(folder, 'secret-of-the-host');
  writeFileSync(secretFile, 'hunter2\n', { mode: 0o644 });
  const abstract = `portkit-test-${process.pid}`;
  await using tcp = await listen({ port: 0, host: '127.0.0.1' });
  await using unix = await listen({ path: `\0${abstract}` });
  const address = tcp.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  mkdirSync(join(folder, 'given'));
  const made = await run(rig.executor, script('echo given >/out/file; chmod 666 /out/file'));
  const given = made.ended.how === 'exited' ? made.ended.out : undefined;
  if (given === undefined) throw new Error(`No input was made: ${JSON.stringify(made)}`);
  const targets = { secretFile, store: rig.store.directory, port, abstract, pid: process.pid };
  const results: Record<string, { stdout: string; how: string }> = {};
  for (const [name, text] of Object.entries(attempts(targets))) {
    const command = script(text, { inputs: [{ name: 'given', ref: { kind: 'tree', digest: given } }] });
    const { ended, stdout } = await run(rig.executor, command);
    results[name] = { stdout, how: ended.how };
  }
  const marker = String(900_000_000 + process.pid);
  const leftBehind: number[] = [];
  for (let count = 0; count < 10; count += 1) {
    await run(rig.executor, script(sleepers(marker)));
    leftBehind.push(countProcesses(marker));
  }
  const controller = new AbortController();
  const aborted = rig.executor.run(script(`${sleepers(marker)}; wait`), {
    signal: controller.signal,
    output: () => controller.abort(new Error('enough')),
  });
  const reason = await aborted.then(String, String);
  const afterAbort = countProcesses(marker);
  const { ended } = await run(rig.executor, script(`${sleepers(marker)}; wait`, { timeoutMs: 300 }));
  return {
    uid: process.getuid?.(),
    commandsRunAs: process.getuid?.() === 0 ? nobodyElse.uid : process.getuid?.(),
    results,
    connections: tcp.connections() + unix.connections(),
    leftBehind,
    abort: { reason, left: afterAbort },
    timeout: { ended, left: countProcesses(marker) },
  };
}

async function listen(
  options: ListenOptions,
): Promise<AsyncDisposable & { server: ReturnType<typeof createServer>; connections(): number }> {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(options, resolve));
  return {
    server,
    connections: () => connections,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
