/** What the attempts may aim at on the host. */
export interface Targets {
  /** A file of the host with the word `hunter2`. */
  readonly secretFile: string;
  /** The folder of the store. */
  readonly store: string;
  /** A port of the host's loopback, and an abstract socket, that somebody listens on. */
  readonly port: number;
  readonly abstract: string;
  /** The process that started the sandbox. */
  readonly pid: number;
}

/** Numbers of system calls by machine: what perl's `syscall` is given. */
const numbers: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  x64: {
    ptrace: 101,
    mount: 165,
    umount2: 166,
    pivot_root: 155,
    unshare: 272,
    setns: 308,
    bpf: 321,
    keyctl: 250,
    perf_event_open: 298,
    userfaultfd: 323,
    open_by_handle_at: 304,
    kexec_load: 246,
    init_module: 175,
    clone: 56,
    x32_getpid: 0x4000_0027,
  },
  arm64: {
    ptrace: 117,
    mount: 40,
    umount2: 39,
    pivot_root: 41,
    unshare: 97,
    setns: 268,
    bpf: 280,
    keyctl: 219,
    perf_event_open: 241,
    userfaultfd: 282,
    open_by_handle_at: 265,
    kexec_load: 104,
    init_module: 105,
    clone: 220,
  },
};
const everywhere = { io_uring_setup: 425, open_tree: 428, fsopen: 430, mount_setattr: 442 };
/** CLONE_NEWUSER | SIGCHLD, for `clone`; the others get zeros. */
const firstArgument: Readonly<Record<string, number>> = { clone: 0x1000_0011, unshare: 0x1000_0000 };

/** Scripts that each try one way out and print ESCAPED when it worked; every one ends by printing "tried". */
export function attempts(targets: Targets): Readonly<Record<string, string>> {
  const calls = Object.entries({ ...numbers[process.arch], ...everywhere }).map(([name, number]) => [
    `system call ${name}`,
    `perl -e '$! = 0; syscall(${number}, ${firstArgument[name] ?? 0}, 0, 0, 0, 0); print $!{EPERM} ? "eperm" : "ESCAPED $!"'`,
  ]);
  return {
    ...Object.fromEntries(calls.map(([name = '', text = '']) => [name, finished(text)])),
    ...Object.fromEntries(Object.entries(shellAttempts(targets)).map(([name, text]) => [name, finished(text)])),
  };
}

function finished(text: string): string {
  return `{ ${text}\n} 2>/dev/null; echo tried`;
}

function shellAttempts({ secretFile, store, port, abstract, pid }: Targets): Readonly<Record<string, string>> {
  return {
    'remount /usr writable': 'mount -o remount,rw,bind /usr && touch /usr/portkit.escaped && echo ESCAPED',
    'write a sysctl of the host':
      'cat /proc/sys/kernel/core_pattern >/tmp/p; cat /tmp/p >/proc/sys/kernel/core_pattern && echo ESCAPED',
    'trigger sysrq': 'echo h >/proc/sysrq-trigger && echo ESCAPED',
    'write to what is read-only':
      'for d in / /usr /usr/bin /etc /in /dev /run /proc /var; do touch $d/portkit.escaped && echo ESCAPED; done',
    'write to an input':
      'echo x >>/in/given/file && echo ESCAPED; chmod 777 /in/given/file && echo ESCAPED; rm /in/given/file && echo ESCAPED',
    'write to an input by its descriptor': 'exec 5</in/given/file; echo x >/proc/self/fd/5 && echo ESCAPED',
    'link an input into the output': 'ln /in/given/file /out/alias && echo ESCAPED',
    'read the environment of processes': 'cat /proc/*/environ | grep -a hunter2 && echo ESCAPED',
    'read a descriptor that was left open':
      'for f in /proc/self/fd/*; do test -f $f && grep -a hunter2 $f && echo ESCAPED; done; cat <&9 && echo ESCAPED',
    'read a file of the host': `cat ${secretFile} /proc/1/root${secretFile} /proc/self/cwd/../..${secretFile} | grep hunter2 && echo ESCAPED`,
    'look into the store': `for d in ${store} /proc/1/root${store}; do ls $d && echo ESCAPED; done`,
    'read the keys and command line of the kernel':
      'cat /proc/keys && echo ESCAPED; cat /proc/cmdline && echo ESCAPED; head -c1 /proc/kcore && echo ESCAPED',
    'make a device': 'mknod /tmp/b b 8 0 && echo ESCAPED; mknod /tmp/c c 1 3 && echo ESCAPED; mknod /out/c c 1 3 && echo ESCAPED',
    'find devices':
      'find /dev -type b | grep . && echo ESCAPED; for d in mem kmem kvm fuse loop-control net/tun; do test -e /dev/$d && echo ESCAPED; done',
    'make namespaces': 'for o in -U -m -n -p -i -u -Ur; do unshare $o true && echo ESCAPED; done',
    'change the root': 'chroot /tmp true && echo ESCAPED; chroot / true && echo ESCAPED',
    'become somebody':
      'test "$(id -u)" = 1000 || echo ESCAPED; su -c true && echo ESCAPED; grep -q "^NoNewPrivs:.1" /proc/self/status || echo ESCAPED',
    'have a capability': 'grep "^Cap" /proc/self/status | grep -v 0000000000000000 && echo ESCAPED',
    'be without a filter': 'grep -q "^Seccomp:.2" /proc/self/status || echo ESCAPED',
    'see or kill processes of the host': `kill -0 ${pid} && echo ESCAPED; kill -9 -1 && echo ESCAPED; test "$(ls -d /proc/[0-9]* | wc -l)" -lt 8 || echo ESCAPED`,
    'reach the loopback of the host': `bash -c 'echo >/dev/tcp/127.0.0.1/${port}' && echo ESCAPED`,
    'reach an abstract socket of the host': `perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0); print "ESCAPED" if connect(S, pack("S a*", 1, "\\0${abstract}"))'`,
    'have another network than lo': 'test "$(tail -n +3 /proc/net/dev | grep -v "^ *lo:" | wc -l)" = 0 || echo ESCAPED',
    'push keys into a terminal': 'perl -e \'open(T, "+</dev/tty") and ioctl(T, 0x5412, "x") and print "ESCAPED"\'',
    'replace /out': 'rmdir /out && echo ESCAPED; mv /out /tmp/o && echo ESCAPED; ln -sfn / /out && test -L /out && echo ESCAPED',
    'name the host': 'test "$(uname -n)" = build || echo ESCAPED',
    'raise a limit of the host':
      'for f in /proc/sys/user/* /proc/sys/kernel/* /proc/sys/vm/*; do test -w $f && echo ESCAPED $f; done',
  };
}
