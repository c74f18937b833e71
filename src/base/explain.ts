import type { ErrorCode } from './errors.ts';

/** The long form of every code: what happened, why it can, and what to do. */
export const explanations: Readonly<Record<ErrorCode, string>> = {
  PK1001:
    'A word or option of the command line is not known. "portkit --help" lists the commands, "portkit help COMMAND" the options of one.',
  PK1002:
    'A digest names content. It is written "sha256:" and 64 lower-case hex digits; other algorithms, upper case and short forms are refused everywhere, so that a digest can never be used as a path.',
  PK1003:
    'A path or name holds something that is not allowed there, such as "..", a NUL byte, or a character outside the stated set.',
  PK1004: 'An option was understood, but its value was not. The hint shows the form it takes.',
  PK2001:
    'Stored bytes no longer hash to their name: a disk, a cable, memory, or somebody changed them. The damaged object was moved to the quarantine folder of the store and was not served. What made it runs again on its own; "portkit cache verify --repair" looks for more damage.',
  PK2002:
    'Something names a blob that is not in the store: it was collected, or its file was removed by hand. What made it runs again.',
  PK2003:
    'The operating system refused to read a stored object. Check the owner and mode of the store and the health of the disk.',
  PK2004:
    'Several processes may use one store; each write holds a short lock. The lock was not free within the wait. The kernel frees it when its holder ends, so no stale lock can remain: look for a portkit process that is stopped or very busy.',
  PK2005: 'The store was written by a newer portkit in a format that this one does not know. Use the newer one, or another root.',
  PK2006:
    'The store root is not a folder, belongs to another user, or holds no store. Sharing a root between users is refused, because one could then change what the other runs.',
  PK2007:
    'The disk or the quota is full. Nothing half-written was left, and what is stored can still be read. Free space, or run "portkit cache prune".',
  PK2008: 'The store cannot be written: a read-only file system, a wrong owner, or too many open files. Reading goes on.',
  PK2009:
    'The disk reported an error while bytes were made durable. That attempt is given up for good (a second try on the same file could claim success falsely). Look at the kernel log.',
  PK2010:
    'The index (SQLite) cannot be read. It is only a cache: "portkit cache rebuild-index" sets it aside and makes it anew from the blobs, packs and records on disk.',
  PK2101: 'A file changed every time it was read, so no state of it could be taken. End whatever writes to it, or exclude it.',
  PK2102: 'A directory holds something a tree cannot hold, such as a socket. Exclude it.',
  PK2103:
    'The bytes of a tree do not have the one canonical form, so they are refused as a whole. Either they are no tree, or a program wrote them wrongly.',
  PK2104: 'The place to write to exists and is not empty. Nothing was changed. Name another, or remove it yourself.',
  PK3101:
    'The command of a step ended with another status than 0. Its last lines are printed with the step; the whole output is in the log that is named there.',
  PK3102:
    'The command of a step was killed by a signal, or reports that something it ran was (a status above 128 is how shells and the sandbox say so). SIGSEGV and SIGABRT are faults of the program; SIGKILL may be the kernel short of memory.',
  PK3103:
    'The command ran longer than the "timeout" of its step, so it and everything it had started was killed. Raise the limit, or look in its log for what it was waiting for.',
  PK3104:
    'The kernel killed the command because its control group reached the "memory" limit of its step. Raise the limit, or let the command do less at once.',
  PK3105:
    'The command ended well, but what its step declares is not in /out, or cannot be kept (a socket, a file that nobody may read). Only what is left in /out is the result of a step.',
  PK3106:
    'Steps only run in a sandbox, and it could not be made. Most often the kernel does not let ordinary users make namespaces (kernel.unprivileged_userns_clone = 0, user.max_user_namespaces = 0, or kernel.apparmor_restrict_unprivileged_userns = 1 on Ubuntu), or this runs in a container that forbids it. There is no switch to run steps without it.',
  PK3107:
    'The working directory, a cache or a secret of a step has a place that its root does not have. A root is mounted read-only, so each such place must be in it: a folder, or a file for a secret, neither reached through a link. Places below /tmp and /run are always there.',
  PK3108:
    'A step names a secret that was not given. Values come from the command line or a file and are never part of a definition.',
  PK3109:
    'The scratch folder holds what commands see, so it must be yours and closed to changes by others. When root starts commands, they run as an ordinary user who owns nothing, and every folder above must let that user pass.',
  PK3110:
    "A limit is kept by the kernel through control groups (or, for a step on the host's root, by prlimit). Neither can keep this one here, and a limit that is not kept is worse than none that is asked for.",
  PK6901:
    'A program that is needed is not installed or too old. The hint names its Debian package; "portkit doctor" checks all of them.',
  PK7001: 'Something happened that portkit does not expect. Please report it with the lines that were printed.',
  PK9001: 'The work was cancelled by a signal or by its caller. Nothing half-written remains.',
};
