import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { PortkitError } from '../../src/base/errors.ts';
import { blob, createRig, graphOf } from './rig.ts';
import type { Fake } from './rig.ts';

const chain = graphOf('src', 'obj: src', 'app: obj', 'image: app');
const wide = graphOf('a', 'b', 'c: a b', 'd: a b', 'e: c d');

function told(happenings: readonly { type: string; step?: string }[], type: string): readonly (string | undefined)[] {
  return happenings.filter((one) => one.type === type).map((one) => one.step);
}

describe('what runs', () => {
  test('everything once, then nothing, and only the target is asked for', async () => {
    const rig = createRig();
    const first = await rig.build(wide, {}, { targets: ['e'] });
    expect(first.ran.toSorted()).toEqual(['a', 'b', 'c', 'd', 'e']);
    rig.asked.length = 0;
    const second = await rig.build(wide, {}, { targets: ['e'] });
    expect(second).toMatchObject({ ran: [], targets: first.targets });
    expect(rig.asked.map((keys) => keys.length)).toEqual([1]);
    expect(told(second.told, 'step.cached')).toEqual(['e']);
  });

  test('what a change reaches, and no further than it changes something', async () => {
    const rig = createRig();
    const fakes = (known: string): Record<string, Fake> => ({
      src: { known },
      obj: { run: () => ({ ok: true, outputs: [blob('always the same')] }) },
    });
    rig.here.add(blob('one').digest).add(blob('two').digest);
    expect((await rig.build(chain, fakes('one'), { targets: ['image'] })).ran).toEqual(['obj', 'app', 'image']);
    const second = await rig.build(chain, fakes('two'), { targets: ['image'] });
    expect(second.ran).toEqual(['obj']);
    expect(second.told).toContainEqual({ type: 'step.cached', step: 'app', by: 'content' });
    expect(second.told).toContainEqual({
      type: 'step.started',
      step: 'obj',
      reasons: [{ kind: 'input', name: 'src', before: blob('one').digest, after: blob('two').digest, of: 'blob' }],
    });
    expect((await rig.build(chain, fakes('two'), { targets: ['image'] })).ran).toEqual([]);
  });

  test('a change in what a step does not read is none', async () => {
    const rig = createRig();
    const fakes = (known: string): Record<string, Fake> => ({ src: { known }, obj: { narrow: () => [blob('the part')] } });
    rig.here.add(blob('one').digest).add(blob('two').digest);
    await rig.build(chain, fakes('one'), { targets: ['image'] });
    expect((await rig.build(chain, fakes('two'), { targets: ['image'] })).ran).toEqual([]);
  });

  test('a pinned source that nobody needs is not fetched; one that is needed or asked for is', async () => {
    const rig = createRig();
    const fakes = { src: { known: 'pinned' } };
    await rig.build(chain, fakes, { targets: ['image'] });
    rig.here.delete(blob('pinned').digest);
    expect((await rig.build(chain, fakes, { targets: ['image'] })).ran).toEqual([]);
    expect((await rig.build(chain, { ...fakes, obj: { fact: 'new' } }, { targets: ['obj'] })).ran).toEqual(['src', 'obj']);
    rig.here.delete(blob('pinned').digest);
    expect((await rig.build(chain, fakes, { targets: ['src'] })).ran).toEqual(['src']);
  });

  test('a source that is not what it was said to be is a failure', async () => {
    const rig = createRig();
    const fakes: Record<string, Fake> = { src: { known: 'said', run: () => ({ ok: true, outputs: [blob('other')] }) } };
    const done = await rig.build(chain, fakes, { targets: ['obj'] });
    expect(done.failures.get(0)).toMatchObject({ code: 'PK3001' });
    expect(rig.records.size).toBe(0);
  });

  test('fresh runs all but what is known by its content', async () => {
    const rig = createRig();
    rig.here.add(blob('x').digest);
    const fakes = { src: { known: 'x' } };
    await rig.build(chain, fakes, { targets: ['image'] });
    const again = await rig.build(chain, fakes, { targets: ['image'], mode: 'fresh' });
    expect(again.ran).toEqual(['obj', 'app', 'image']);
    expect(again.told).toContainEqual({ type: 'step.started', step: 'app', reasons: [{ kind: 'forced' }] });
  });

  test('the longest way goes first, by what the steps took last time', async () => {
    const rig = createRig();
    const graph = graphOf('short', 'long', 'after: long', 'all: short after');
    const took = (step: string, ms: number): unknown => rig.runs.set(step, { code: '', facts: {}, inputs: [], took: ms });
    took('long', 5000);
    const order: string[] = [];
    const one = (name: string): Fake => ({
      run: () => {
        order.push(name);
        return { ok: true, outputs: [blob(name)] };
      },
    });
    await rig.build(graph, Object.fromEntries(['short', 'long', 'after', 'all'].map((name) => [name, one(name)])), {
      targets: ['all'],
    });
    expect(order[0]).toBe('long');
  });
});

describe('bytes that are gone', () => {
  test('a record without its bytes is no record', async () => {
    const rig = createRig();
    const { targets } = await rig.build(chain, {}, { targets: ['image'] });
    rig.here.delete(targets['image']?.digest ?? blob('').digest);
    expect((await rig.build(chain, {}, { targets: ['image'] })).ran).toEqual(['image']);
  });

  test('inputs found gone when they are needed are made again, with all that they need', async () => {
    const rig = createRig();
    const all = await rig.build(chain, {});
    for (const name of ['src', 'obj', 'app']) rig.here.delete(all.targets[name]?.digest ?? blob('').digest);
    expect((await rig.build(chain, { image: { fact: 'new' } }, { targets: ['image'] })).ran).toEqual([
      'src',
      'obj',
      'app',
      'image',
    ]);
  });

  test('damage that only shows while working heals once, and a second time is an error', async () => {
    const rig = createRig();
    await rig.build(chain, {});
    let tries = 0;
    const image = (times: number): Fake => ({
      fact: `${times}`,
      run: () => {
        tries += 1;
        if (tries <= times) throw new PortkitError('PK2001', 'damaged');
        return { ok: true, outputs: [blob('image')] };
      },
    });
    expect((await rig.build(chain, { image: image(1) }, { targets: ['image'] })).ran).toEqual(['image', 'app', 'image']);
    tries = 0;
    await expect(rig.build(chain, { image: image(9) }, { targets: ['image'] })).rejects.toMatchObject({ code: 'PK2001' });
    expect(tries).toBe(2);
  });

  test('a step that gives something else the second time has its users compared anew', async () => {
    const rig = createRig();
    let count = 0;
    const obj: Fake = { run: () => ({ ok: true, outputs: [blob(`obj ${(count += 1)}`)] }) };
    await rig.build(chain, { obj });
    let tries = 0;
    const app: Fake = {
      fact: 'new',
      run: (inputs) => {
        tries += 1;
        if (tries === 1) throw new PortkitError('PK2001', 'damaged');
        return { ok: true, outputs: [blob(`app of ${inputs[0]?.digest}`)] };
      },
    };
    const second = await rig.build(chain, { obj, app }, { targets: ['app'] });
    expect(second.ran).toEqual(['app', 'obj', 'app']);
    expect(rig.runs.get('app')?.inputs).toEqual([{ name: 'obj', ref: blob('obj 2') }]);
    // What was made from the second must not be found by the name of the first.
    rig.here.add(blob('obj 1').digest);
    const third = await rig.build(chain, { obj: { known: 'obj 1' }, app }, { targets: ['app'] });
    expect(third.ran).toEqual(['app']);
  });
});

describe('failures', () => {
  const failing: Fake = { run: () => ({ ok: false, failure: { code: 'PK1003', message: 'no' } }) };

  test('a failed step is data, what needs it does not run, and nothing new is started', async () => {
    const rig = createRig();
    const done = await rig.build(wide, { c: failing }, { targets: ['e'] });
    expect([...done.failures]).toEqual([[2, { code: 'PK1003', message: 'no' }]]);
    expect(done.targets).toEqual({});
    expect(told(done.told, 'step.cancelled')).toContain('e');
    expect(done.ran).not.toContain('e');
  });

  test('keep going makes all that can be made', async () => {
    const rig = createRig();
    const graph = graphOf('a', 'bad: a', 'after: bad', 'good: a', 'better: good');
    const done = await rig.build(graph, { bad: failing }, { keepGoing: true });
    expect(Object.keys(done.targets).toSorted()).toEqual(['a', 'better', 'good']);
    expect(done.ran.toSorted()).toEqual(['a', 'bad', 'better', 'good']);
  });

  test('a step that cannot be asked fails, and an unknown target is an error', async () => {
    const rig = createRig();
    const done = await rig.build(chain, { obj: { refuses: true } }, { targets: ['image'] });
    expect(done.failures.get(1)).toMatchObject({ code: 'PK1003', message: 'refused' });
    await expect(rig.build(chain, {}, { targets: ['imago'] })).rejects.toMatchObject({
      code: 'PK3002',
      hint: 'Did you mean "image"?',
    });
    await expect(rig.build(chain, {}, { targets: ['kernel'] })).rejects.toMatchObject({
      hint: expect.stringMatching(/^The targets are: /),
    });
  });

  test('a bug in an op ends the build and is not taken for a failed step', async () => {
    const rig = createRig();
    const bug: Fake = {
      run: () => {
        throw new TypeError('bug');
      },
    };
    await expect(rig.build(wide, { c: bug }, { keepGoing: true })).rejects.toThrow('bug');
  });
});

describe('cancelling and sharing', () => {
  function gated() {
    const started = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    let cancelled = 0;
    const fake: Fake = {
      run: async (_, signal) => {
        started.resolve();
        const stop = new Promise<never>((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            cancelled += 1;
            reject(signal.reason);
          });
        });
        await Promise.race([gate.promise, stop]);
        return { ok: true, outputs: [blob('gated')] };
      },
    };
    return { fake, started: started.promise, open: gate.resolve, cancelled: () => cancelled };
  }

  test('a cancelled build throws its reason and keeps what was done', async () => {
    const rig = createRig();
    const stop = new AbortController();
    const { fake, started, cancelled } = gated();
    const build = rig.build(chain, { app: fake }, { targets: ['image'], signal: stop.signal });
    await started;
    stop.abort(new Error('enough'));
    await expect(build).rejects.toThrow('enough');
    expect(cancelled()).toBe(1);
    expect((await rig.build(chain, {}, { targets: ['image'] })).ran).toEqual(['app', 'image']);
  });

  test('two builds share a step; it goes on while one of them is left', async () => {
    const rig = createRig();
    const { fake, started, open, cancelled } = gated();
    const stop = new AbortController();
    const one = rig.build(chain, { app: fake }, { targets: ['app'], signal: stop.signal });
    const two = rig.build(chain, { app: fake }, { targets: ['image'] });
    await started;
    await setImmediate();
    stop.abort(new Error('left'));
    open();
    await expect(one).rejects.toThrow('left');
    expect(Object.keys((await two).targets)).toEqual(['image']);
    expect(cancelled()).toBe(0);
    expect(rig.ran.filter((name) => name === 'app')).toEqual(['app']);
    expect(told((await two).told, 'step.started')).toContain('app');
  });

  test('what another process finished meanwhile is taken, not made again', async () => {
    const [rig, open] = [createRig(), Promise.withResolvers<void>()];
    const slow: Fake = {
      run: async () => {
        await open.promise;
        return { ok: true, outputs: [blob('slow')] };
      },
    };
    const one = rig.build(graphOf('x'), { x: slow });
    const forced = rig.build(graphOf('x'), { x: slow }, { mode: 'fresh' });
    await setImmediate();
    open.resolve();
    expect((await one).targets).toEqual((await forced).targets);
    expect(rig.ran).toEqual(['x', 'x']);
  });
});

describe('plans and checks', () => {
  test('a plan runs nothing, and says what would run, what may, and what is known', async () => {
    const rig = createRig();
    await rig.build(chain, {});
    const runs = rig.ran.length;
    const plan = await rig.build(chain, { obj: { fact: 'new' } }, { targets: ['image'], mode: 'plan' });
    expect([...plan.verdicts.values()].map(({ verdict }) => verdict)).toEqual(['known', 'run', 'maybe', 'maybe']);
    expect(plan.verdicts.get(1)?.reasons).toEqual([{ kind: 'option', name: 'fact', before: '', after: 'new' }]);
    expect(rig.ran.length).toBe(runs);
    const known = await rig.build(chain, {}, { targets: ['image'], mode: 'plan' });
    expect([...known.verdicts.values()].map(({ verdict }) => verdict)).toEqual(['unneeded', 'unneeded', 'unneeded', 'known']);
  });

  test('a check runs what is known and tells what came out otherwise, at the first place only', async () => {
    const rig = createRig();
    let count = 0;
    const obj: Fake = { run: () => ({ ok: true, outputs: [blob(`obj ${(count += 1)}`)] }) };
    await rig.build(chain, { obj });
    const before = new Map(rig.records);
    const check = await rig.build(chain, { obj }, { mode: 'check' });
    expect(check.ran.toSorted()).toEqual(['app', 'image', 'obj', 'src']);
    expect(check.differences).toEqual([{ vertex: 1, expected: [blob('obj 1')], actual: [blob('obj 2')] }]);
    expect(rig.records).toEqual(before);
  });
});
