/**
 * The system-call filter of the sandbox as classic BPF (Linux Documentation/userspace-api/seccomp_filter.rst): what no build
 * step needs and kernel holes are made of answers EPERM; everything else is allowed. A foreign instruction set is killed,
 * because its numbers mean other calls.
 */
const allow = 0x7fff0000;
const kill = 0x80000000;
const eperm = 0x00050001;
const enosys = 0x00050026;

/** Offsets in `struct seccomp_data`; the low half of an argument comes first on the little-endian machines known here. */
const at = { number: 0, architecture: 4, argument: (index: number): number => 16 + 8 * index };
const opcode = { load: 0x20, and: 0x54, equal: 0x15, atLeast: 0x35, anyBit: 0x45, answer: 0x06 };

/** `CLONE_NEW*`: namespaces are made by the sandbox alone. */
const newNamespaces = 0x7e020080;
const fileType = 0o170000;
const devices = [0o020000, 0o060000];

interface Machine {
  /** AUDIT_ARCH_* of linux/audit.h. */
  readonly audit: number;
  readonly refused: readonly number[];
  readonly clone: number;
  readonly clone3: number;
  /** Calls that make special files, and which argument is the mode. */
  readonly makesNodes: readonly { readonly call: number; readonly mode: number }[];
  /** Numbers from here on belong to another calling convention (x32). */
  readonly foreign?: number;
}

/** Numbers that are the same everywhere: io_uring_*, open_tree … fspick, mount_setattr, open_tree_attr. */
const common = [425, 426, 427, 428, 429, 430, 431, 432, 433, 442, 467];

const machines: Readonly<Record<string, Machine>> = {
  x64: {
    audit: 0xc000003e,
    refused: [
      [101, 310, 311, 312], // ptrace, process_vm_readv, process_vm_writev, kcmp
      [155, 161, 163, 165, 166, 167, 168, 169, 179], // pivot_root, chroot, acct, mount, umount2, swapon, swapoff, reboot, quotactl
      [175, 176, 246, 313, 320], // init_module, delete_module, kexec_load, finit_module, kexec_file_load
      [248, 249, 250], // add_key, request_key, keyctl
      [272, 308], // unshare, setns
      [298, 304, 321, 323], // perf_event_open, open_by_handle_at, bpf, userfaultfd
      common,
    ].flat(),
    clone: 56,
    clone3: 435,
    makesNodes: [
      { call: 133, mode: 1 },
      { call: 259, mode: 2 },
    ],
    foreign: 0x40000000,
  },
  arm64: {
    audit: 0xc00000b7,
    refused: [
      [117, 270, 271, 272], // ptrace, process_vm_readv, process_vm_writev, kcmp
      [39, 40, 41, 51, 60, 89, 142, 224, 225], // umount2, mount, pivot_root, chroot, quotactl, acct, reboot, swapon, swapoff
      [104, 105, 106, 273, 294], // kexec_load, init_module, delete_module, finit_module, kexec_file_load
      [217, 218, 219], // add_key, request_key, keyctl
      [97, 268], // unshare, setns
      [241, 265, 280, 282], // perf_event_open, open_by_handle_at, bpf, userfaultfd
      common,
    ].flat(),
    clone: 220,
    clone3: 435,
    makesNodes: [{ call: 33, mode: 2 }],
  },
};

type Instruction = readonly [code: number, k: number, whenTrue?: number, whenFalse?: number];

/** The filter's bytes for a machine as Node names it, or undefined when its system calls are not known here. */
export function seccompFilter(architecture: string): Buffer | undefined {
  const machine = machines[architecture];
  if (machine === undefined) return undefined;
  return assemble([
    [opcode.load, at.architecture],
    [opcode.equal, machine.audit, 1, 0],
    [opcode.answer, kill],
    [opcode.load, at.number],
    ...(machine.foreign === undefined ? [] : refuseFrom(machine.foreign)),
    ...machine.refused.flatMap((call): Instruction[] => [
      [opcode.equal, call, 0, 1],
      [opcode.answer, eperm],
    ]),
    // The flags of clone3 are behind a pointer that no filter can follow: without it, libc falls back to clone.
    [opcode.equal, machine.clone3, 0, 1],
    [opcode.answer, enosys],
    ...refuseNamespaces(machine.clone),
    ...machine.makesNodes.flatMap(refuseDevices),
    [opcode.answer, allow],
  ]);
}

function refuseFrom(first: number): readonly Instruction[] {
  return [
    [opcode.atLeast, first, 0, 1],
    [opcode.answer, eperm],
  ];
}

/** Leaves the call's number loaded for what comes next, as each of these blocks does. */
function refuseNamespaces(call: number): readonly Instruction[] {
  return [
    [opcode.equal, call, 0, 4],
    [opcode.load, at.argument(0)],
    [opcode.anyBit, newNamespaces, 0, 1],
    [opcode.answer, eperm],
    [opcode.answer, allow],
  ];
}

function refuseDevices({ call, mode }: { readonly call: number; readonly mode: number }): readonly Instruction[] {
  const checks = devices.flatMap((type): Instruction[] => [
    [opcode.equal, type, 0, 1],
    [opcode.answer, eperm],
  ]);
  return [
    [opcode.equal, call, 0, checks.length + 3],
    [opcode.load, at.argument(mode)],
    [opcode.and, fileType],
    ...checks,
    [opcode.answer, allow],
  ];
}

/** `struct sock_filter`: a 16-bit code, two 8-bit jumps, a 32-bit operand. */
function assemble(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, [code, k, whenTrue = 0, whenFalse = 0]] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(whenTrue, index * 8 + 2);
    bytes.writeUInt8(whenFalse, index * 8 + 3);
    bytes.writeUInt32LE(k >>> 0, index * 8 + 4);
  }
  return bytes;
}
