import { describe, expect, test } from 'vitest';
import { seccompFilter } from './seccomp.ts';

const allow = 0x7fff0000;
const eperm = 0x00050001;
const enosys = 0x00050026;
const kill = 0x80000000;

/** What the kernel would answer: classic BPF over `struct seccomp_data`, as bpf(4) says it. */
function answer(program: Buffer, call: { audit: number; number: number; arguments?: readonly number[] }): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call.number, 0);
  data.writeUInt32LE(call.audit, 4);
  for (const [index, value] of (call.arguments ?? []).entries()) data.writeBigUInt64LE(BigInt(value), 16 + 8 * index);
  let accumulator = 0;
  for (let at = 0; at < program.length / 8;) {
    const code = program.readUInt16LE(at * 8);
    const [whenTrue, whenFalse, k] = [program[at * 8 + 2] ?? 0, program[at * 8 + 3] ?? 0, program.readUInt32LE(at * 8 + 4)];
    const jump = (holds: boolean): number => at + 1 + (holds ? whenTrue : whenFalse);
    if (code === 0x06) return k;
    if (code === 0x20) accumulator = data.readUInt32LE(k);
    else if (code === 0x54) accumulator = (accumulator & k) >>> 0;
    if (code === 0x15) at = jump(accumulator === k);
    else if (code === 0x35) at = jump(accumulator >= k);
    else if (code === 0x45) at = jump((accumulator & k) !== 0);
    else at += 1;
  }
  throw new Error('The program ended without an answer');
}

/** Numbers from the kernel's tables: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h. */
const machines = {
  x64: {
    audit: 0xc000003e,
    foreign: 0x40000003,
    read: 0,
    execve: 59,
    clone: 56,
    mknodat: 259,
    mount: 165,
    ptrace: 101,
    unshare: 272,
  },
  arm64: {
    audit: 0xc00000b7,
    foreign: 0xc0000028,
    read: 63,
    execve: 221,
    clone: 220,
    mknodat: 33,
    mount: 40,
    ptrace: 117,
    unshare: 97,
  },
};

describe.each(Object.entries(machines))('the filter for %s', (name, machine) => {
  const program = seccompFilter(name) ?? Buffer.alloc(0);
  const ask = (number: number, args: readonly number[] = []): number =>
    answer(program, { audit: machine.audit, number, arguments: args });

  test('allows what builds need', () => {
    expect([machine.read, machine.execve].map((number) => ask(number))).toEqual([allow, allow]);
  });

  test('refuses what they do not need', () => {
    const refused = [machine.mount, machine.ptrace, machine.unshare, 425, 428, 442];
    expect(refused.map((number) => ask(number))).toEqual(refused.map(() => eperm));
  });

  test('lets processes be made, but no namespaces', () => {
    expect(ask(machine.clone, [17])).toBe(allow);
    expect(ask(machine.clone, [0x003d_0f00])).toBe(allow);
    for (const flag of [0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]) {
      expect(ask(machine.clone, [flag | 17])).toBe(eperm);
    }
    expect(ask(435)).toBe(enosys);
  });

  test('lets FIFOs and files be made, but no devices', () => {
    expect(ask(machine.mknodat, [0, 0, 0o010644])).toBe(allow);
    expect(ask(machine.mknodat, [0, 0, 0o100644])).toBe(allow);
    expect(ask(machine.mknodat, [0, 0, 0o020644])).toBe(eperm);
    expect(ask(machine.mknodat, [0, 0, 0o060644])).toBe(eperm);
  });

  test('kills what speaks another instruction set', () => {
    expect(answer(program, { audit: machine.foreign, number: machine.read })).toBe(kill);
  });

  test('only jumps forward and inside', () => {
    const length = program.length / 8;
    for (let at = 0; at < length; at += 1) {
      const [whenTrue = 0, whenFalse = 0] = [program[at * 8 + 2], program[at * 8 + 3]];
      expect(at + 1 + Math.max(whenTrue, whenFalse)).toBeLessThan(length + (program.readUInt16LE(at * 8) === 0x06 ? 1 : 0));
    }
  });
});

test('a machine whose calls are not known has no filter', () => {
  expect(seccompFilter('riscv64')).toBeUndefined();
});
