import { once } from 'node:events';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileAgent, noCompiler, startAgent } from './agent-program.ts';
import type { RunningAgent } from './agent-program.ts';

const missing = noCompiler('sanitized');
if (missing !== undefined) test('the agent', ({ skip }) => skip(missing));
const corpus = globSync('guest-agent/corpus/*.frame')
  .toSorted()
  .map((file) => readFileSync(file));
const frames = 20_000;
/** Each conversation begins anew, so that a frame that hangs or kills one is found among these. */
const together = 200;

describe.skipIf(missing !== undefined)('the agent with sanitizers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portkit-frames-'));
  const root = join(folder, 'root');
  let running: RunningAgent;

  beforeAll(async () => {
    // Whatever a mutated frame asks for stays in this folder: there is nothing to run in it.
    mkdirSync(root);
    writeFileSync(join(root, 'file'), 'content');
    symlinkSync('/file', join(root, 'link'));
    running = await startAgent(compileAgent(folder, 'sanitized'), folder, root);
  });
  afterAll(async () => {
    await running.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test(`${frames} mutated frames leave it standing, and every line is answered once`, async () => {
    expect(corpus.length).toBeGreaterThan(20);
    const random = numbers(0x5eed);
    for (let done = 0; done < frames; done += together) {
      const sent = Array.from({ length: together }, () => mutated(random));
      const answers = await conversation(await running.connect(), sent);
      const lines = Buffer.concat(sent).toString('latin1').split('\n').slice(0, -1);
      expect(answers.slice(-1), `the frames from ${done} on: ${JSON.stringify(lines)}`).toEqual([{ id: 424242, nonce: 'alive' }]);
      expect(answers.length - 1).toBe(lines.filter((line) => line !== '').length);
    }
  });
});

async function conversation(socket: Socket, sent: readonly Buffer[]): Promise<readonly unknown[]> {
  let text = '';
  socket.on('data', (chunk) => (text += String(chunk)));
  socket.on('error', () => undefined);
  socket.end(Buffer.concat([...sent, Buffer.from('{"id":424242,"op":"ping","nonce":"alive"}\n')]));
  await once(socket, 'close');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line): unknown => JSON.parse(line));
}

/** A frame of the corpus with one to four changes; a newline at its end keeps it apart from the next. */
function mutated(random: (below: number) => number): Buffer {
  const pick = () => corpus[random(corpus.length)] ?? Buffer.alloc(0);
  let bytes = Buffer.from(pick().subarray(0, -1));
  for (let left = random(4); left >= 0; left -= 1) {
    const at = random(bytes.length + 1);
    const until = at + random(8);
    const other = pick();
    const spliced = [
      () => Buffer.of(random(256)),
      () => Buffer.from('"\\{}[],:0-u\n'.slice(random(12))),
      () => Buffer.alloc(0),
      () => other.subarray(random(other.length)),
      () => Buffer.from('9'.repeat(random(30))),
      () => bytes.subarray(at, at + random(40)),
      () => Buffer.alloc(random(50) === 0 ? 70_000 : 3, '\\u00e9"a,'),
    ][random(7)]?.();
    bytes = Buffer.concat([bytes.subarray(0, at), spliced ?? Buffer.alloc(0), bytes.subarray(random(2) === 0 ? at : until)]);
  }
  return Buffer.concat([bytes, Buffer.from('\n')]);
}

/** Numbers that are the same in every run (mulberry32). */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
