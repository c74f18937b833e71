import { spawnSync } from 'node:child_process';

/** A program and its arguments. */
export type Command = readonly string[];

/** At most this many times the peer's time, or this many milliseconds more. */
type Goal = { readonly times: number } | { readonly moreMs: number };

/** Something of ours that is timed as a whole process. */
export interface Contender {
  readonly name: string;
  command(): Command;
  /** By the names of peers; what has no goal is only reported. */
  readonly goals?: Readonly<Record<string, Goal>>;
  /** Limits without a peer; the program prints its peak of memory and its processor time. */
  readonly limits?: { readonly ms?: number; readonly megabytes?: number; readonly cpuMs?: number };
}

/** Contenders and what they are held against, timed together. */
export interface Case {
  /** Makes what the commands need; not timed. */
  prepare?(): void;
  /** Between two rounds; not timed. */
  between?(): void;
  readonly ours: readonly Contender[];
  readonly peers: readonly { readonly name: string; command(): Command }[];
  /** Rounds of a case of short processes, after one that is not counted; long ones take the usual number and need no warm-up. */
  readonly shortRounds?: number;
}

/** One line of the table. */
export type Row = readonly [name: string, peer: string, ours: string, theirs: string, result: string, goal: string, met: string];

interface Run {
  readonly ms: number;
  readonly bytes: number;
  readonly cpuMs: number;
}

const nothing: Run = { ms: Number.NaN, bytes: Number.NaN, cpuMs: Number.NaN };

/** Runs everything of a case in turn (A B C A B C …) and compares round by round. */
export function measure(one: Case, usualRounds: number, timed: (command: Command) => Run = run): readonly Row[] {
  one.prepare?.();
  const warmUp = one.shortRounds === undefined ? 0 : 1;
  const rounds = Array.from({ length: (one.shortRounds ?? usualRounds) + warmUp }, () => {
    const round = {
      ours: one.ours.map((contender) => timed(contender.command())),
      theirs: one.peers.map((peer) => timed(peer.command())),
    };
    one.between?.();
    return round;
  }).slice(warmUp);
  return one.ours.flatMap((contender, at) => {
    const ours = rounds.map((round) => round.ours[at] ?? nothing);
    const rows = one.peers.map(({ name }, peer) => {
      const theirs = rounds.map((round) => round.theirs[peer]?.ms ?? Number.NaN);
      return compare({ name: contender.name, peer: name, goal: contender.goals?.[name], ours: ours.map(({ ms }) => ms), theirs });
    });
    return [...rows, ...limits(contender, ours)];
  });
}

/** Runs a command to its end; what it prints is read for a peak of memory and processor time. */
export function run([command = '', ...args]: Command): Run {
  const start = performance.now();
  const done = spawnSync(command, args, { encoding: 'utf8', timeout: 300_000 });
  const ms = performance.now() - start;
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${done.stderr}`);
  const printed = (what: string): number => Number(new RegExp(`^${what} (\\d+)$`, 'm').exec(done.stdout)?.[1] ?? Number.NaN);
  return { ms, bytes: printed('peak'), cpuMs: printed('cpu') };
}

interface Compared {
  readonly name: string;
  readonly peer: string;
  readonly goal: Goal | undefined;
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
}

function compare({ name, peer, goal, ours, theirs }: Compared): Row {
  const more = goal !== undefined && 'moreMs' in goal;
  const results = ours.map((ms, at) => (more ? ms - (theirs[at] ?? 0) : ms / (theirs[at] ?? 0)));
  const most = goal === undefined ? undefined : 'moreMs' in goal ? goal.moreMs : goal.times;
  const show = more
    ? (value: number) => `${value < 0 ? '' : '+'}${value.toFixed(1)} ms`
    : (value: number) => `${value.toFixed(2)} ×`;
  const middles = [ours, theirs].map((values) => `${median(values).toFixed(0)} ms`);
  const [mine = '', other = ''] = middles;
  if (most === undefined) return [name, peer, mine, other, spread(results, show), 'none', ''];
  const shownGoal = more ? `≤ +${most} ms` : `≤ ${most} ×`;
  return [name, peer, mine, other, spread(results, show), shownGoal, verdict(median(results), most)];
}

function limits({ name, limits }: Contender, runs: readonly Run[]): readonly Row[] {
  const { ms, megabytes, cpuMs } = limits ?? {};
  const rows: Row[] = [];
  const add = (what: string, values: readonly number[], { most, unit }: { most: number; unit: string }): void => {
    const show = (value: number): string => `${value.toFixed(0)} ${unit}`;
    const cells = [show(median(values)), '–', spread(values, show), `≤ ${show(most)}`, verdict(median(values), most)] as const;
    rows.push([`${name}: ${what}`, '–', ...cells]);
  };
  if (ms !== undefined)
    add(
      'time',
      runs.map((each) => each.ms),
      { most: ms, unit: 'ms' },
    );
  if (cpuMs !== undefined)
    add(
      'processor time',
      runs.map((each) => each.cpuMs),
      { most: cpuMs, unit: 'ms' },
    );
  if (megabytes !== undefined)
    add(
      'peak memory',
      runs.map(({ bytes }) => bytes / 1e6),
      { most: megabytes, unit: 'MB' },
    );
  return rows;
}

function verdict(value: number, most: number): string {
  return value <= most ? 'met' : 'missed';
}

function spread(values: readonly number[], show: (value: number) => string): string {
  return `${show(median(values))} (${show(Math.min(...values))} – ${show(Math.max(...values))})`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
