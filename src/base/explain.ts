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
  PK1101:
    'The text is not TOML, or the bytes are not a definition. The line and column show where reading stopped; parts that could be read were checked too.',
  PK1102:
    'A table has a key that portkit does not know there, often a typing error. "portkit schema" prints everything that is known.',
  PK1103:
    'A value has the wrong type or form, or keys that exclude each other stand together. The message says what is expected at that place.',
  PK1104: 'A reference such as "step:NAME", or a target, names a step or an output that no file of the definition has.',
  PK1105:
    'A step needs its own result, directly or by way of others, so none of them can start. The message shows the whole cycle with the place of every step in it.',
  PK1106: 'Two steps, targets, variables or tables have the same name, in one file or in two that are included together.',
  PK1107:
    'A variable is not declared, has no value, or is used above the line that declares it. Variables are declared in [vars] and set with --set NAME=VALUE; environment variables must be listed in env = [...]. Write $${ for a plain ${ .',
  PK1108:
    'An included file is missing, includes itself by way of others, or lies outside the folder of the definition. Paths in include are relative to the file that has them.',
  PK1109:
    'A step that is made once for each cell of the matrix was used where no single cell is meant, or the cell that was named does not exist. Name one: "step:NAME[x86_64]".',
  PK1110: 'The definition has more steps, text or nesting than portkit takes. The message names the limit.',
  PK1111:
    'The file of the definition is not there or may not be read. Without --file, portkit.toml (or portkit.ts) is looked for from here upwards.',
  PK1112: 'A portkit.ts is run as a program and has to export a graph. The message says what went wrong; --debug shows where.',
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
  PK3001:
    'A directory or file that the build takes from this machine had other content when it was looked at a second time. Nothing was stored under a wrong key. Build again when nothing writes to it.',
  PK3002: 'The definition has no target of this name. The hint lists those it has; "portkit plan" shows all steps.',
  PK3201:
    'The name could not be looked up, the connection failed or was cut, or the server stayed busy, at every source and after several rounds with growing waits. What had come is kept, so the next build goes on from there. Proxies are taken from http_proxy, https_proxy and no_proxy. Content the store has is never fetched again.',
  PK3202:
    'What came has another digest than the definition, the lock or the image says. They were not used. The file may have been replaced by its makers, or by somebody else: find out which before you pin the new digest.',
  PK3203:
    'A server does not have the file (such as 404), sends it in a way that cannot be used, or redirects where that is refused: from https to http, to another scheme, in a loop, more than five times, or to a URL with credentials. For files of this machine, packages and images: it is not there, is no regular file, apt does not know it, or the image has nothing for the platform.',
  PK3204:
    'Content grew beyond the size limit of the step; nothing of it was kept. A small compressed file can hold a very large one, so the limit also counts for uncompressed bytes.',
  PK3205:
    'A fetched file is only used when its digest is written in the definition or in the lock, so that every build uses the same bytes. The hint shows the digest of the bytes of today: check it against what the makers publish, then write it down.',
  PK3206:
    'The detached OpenPGP signature was not made over this content by a key whose full fingerprint is pinned, or that key is revoked, or it has expired and the content is not pinned either. The content was not used.',
  PK3207:
    'A URL, fingerprint, key or path of a source has a form that is not allowed there. URLs are http, https or (where the builder allows it) file; fingerprints are given in full.',
  PK3208:
    "A path of a definition is absolute, is not there, or leads out of the definition's directory, by '..' or through a symlink. A project root above it can be named; nothing outside of that is ever read.",
  PK3209:
    'The git program could not give the commit: the repository or the commit is not there, the server wants a password, or an object is damaged or refused. Its last words are in the message. No hook, filter or setting of the repository is ever run.',
  PK3212:
    'An index, manifest, config or layer of an image does not have the form it must have: a document that could be read in two ways, a media type that is not known, a size or number of layers that does not fit. Nothing of the image was used.',
  PK3301:
    'The bytes of an archive break the rules of its format: they are cut off, damaged, or made to be read differently by different programs. Nothing of it was used.',
  PK3302:
    'An archive is well-formed but holds something that is not taken: a path that is absolute or leads upwards, a name twice, a path through a link, a hard link to no file of the archive, a sparse file. The message says where. Make the archive again without it.',
  PK3303:
    'An archive or a compressed stream gives more bytes, names or extended headers than the limits allow. A small file can be made to unpack to a full disk, so the work stops there.',
  PK3304:
    'A compressed stream is cut off, damaged, or followed by something else. What came out of it was not used. Compare its digest with what its author says.',
  PK3305:
    'A file begins like a program or library (ELF) but its headers lead outside of it or contradict themselves, so what it needs cannot be told.',
  PK3306:
    'A step needs another kind of input: a tree where it was given a file, a compressed file where it was given a plain one, or one input where it was given several.',
  PK3003:
    'With --expect-cached nothing may run, and the result of a step is not known. "portkit plan" says which steps would run, and why.',
  PK3004:
    'The history of builds (in the store) or the record of a run does not hold what was asked for. "portkit why --json" lists the builds of a definition.',
  PK3005:
    'The lock beside the definition holds the digests of what the definition leaves open. It is malformed, or cannot be read or written. It can be made anew with --update.',
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
    'The scratch folder (TMPDIR) holds what is needed for a while. It must be there, and writable. That of a build holds what commands see, so it must be yours and closed to changes by others. When root starts commands, they run as an ordinary user who owns nothing, and every folder above must let that user pass.',
  PK3110:
    "A limit is kept by the kernel through control groups (or, for a step on the host's root, by prlimit). Neither can keep this one here, and a limit that is not kept is worse than none that is asked for.",
  PK3307:
    'A step names a path, or patterns, for which a tree has nothing. The hint shows a name that is near, or what is there instead. "portkit" follows symlinks on the way to a file within the tree, never out of it.',
  PK3308:
    'An edit of a tree meets something that it would destroy or that has no such property: a directory where a file shall be, a path through a link, the mode of a symlink. Name the path itself, or remove what is there first.',
  PK3309:
    'A program needs a library or loader that is neither in the tree nor in the input it is taken from, or only for another processor. The hint names the folders that were searched: RPATH, RUNPATH, those of ld.so.conf and the usual ones.',
  PK3551:
    'The structures of an ext4 image contradict themselves or lead outside of it, a checksum is wrong, or it is cut off. Nothing of it was used. "portkit image check" lists everything that is wrong, as "e2fsck -fn" does.',
  PK3552:
    'An ext4 image may be sound but has features that would make it read wrongly: a journal with changes that are not in the files yet, inline data, encryption, large extended attributes, clusters. The message names them. Mount it once, or make it again without them.',
  PK3553:
    'An ext4 image has more names or block groups than the limits, or directories so deep that a path is longer than the system takes.',
  PK3401:
    'The value of --output is a directory, "-" for a tar on standard output, or comma-separated key=value such as type=local,dest=out,src=boot/**. Unknown types and keys are refused, so that a typing error cannot be passed over.',
  PK3402:
    'A destination was looked at before the build and cannot work: its parent is missing, a file is where a directory has to be or the other way round, it may not be written, or owners are to be kept without being root. Nothing was built.',
  PK3403: 'An output names a target that this build does not make, or its src patterns match no path of the results.',
  PK3404:
    'At the destination there is a directory where a file is to go, or a file or symbolic link where a directory is to go. Links at the destination are never followed. What is in the way was left alone: remove it yourself, or name another destination.',
  PK3405:
    'The results cannot stand together as files: a target has a name that is no path, two results want the same path, a path is longer than the system takes, or there are too many names. Pick with target= or src=, or use type=tar.',
  PK3406:
    'The system refused to write at the destination. What was prepared was cleared away; files that were already moved into place are whole. The cause shows what the system said.',
  PK3407:
    'The module that an output names cannot be loaded, or is no plugin: it has to export a function createExporter(options), which gives an object with the functions check and prepare.',
  PK3601:
    'A tree holds something that the wanted archive format has no room for, such as a file of 4 GiB or more in a cpio. Nothing was left out in silence: take it out of the tree or choose another format.',
  PK3501:
    'The tree has something that ext4 cannot hold, or is no proper tree. The message names the path. Limits: 255 bytes a name, 4095 bytes a link target, 2 TiB a file, 65,000 names of one file, times from 1901 to 2446, and extended attributes of the kinds user, trusted, security and POSIX ACL that fit in one block together.',
  PK3502:
    'An option of the image has a value that cannot be. Sizes are multiples of 4096 bytes and, like headroom and numbers of inodes, whole and not negative; a label has at most 16 bytes; UUIDs are written as 8-4-4-4-12 hex digits.',
  PK3503:
    'The size, or the number of inodes, that was asked for does not hold the tree and the structures of the file system. The message has the number that is needed. Without a size the image is made large enough.',
  PK3504:
    'A file has more or fewer bytes than the tree says, or bytes where a hole was announced. It changed while it was read, or the tree was made from something else. The unfinished image is of no use.',
  PK3701:
    'The first bytes are those of no kernel that can be started in a microVM. Known are the bzImage and ELF vmlinux of x86, the Image of arm64, the EFI zboot program, and each of them compressed. A unified kernel image, a 32-bit ARM zImage or a Debian package has to be taken apart first.',
  PK3702:
    'The headers of a kernel file contradict themselves or lead outside of it, or what is packed in it is not what they say. It was cut off, damaged, or made by a program that does not follow the boot protocol.',
  PK3703:
    'The kernel inside of the file is compressed with bzip2, lzma or lzo, or the file is so old that it does not say where the kernel is. What the file says by itself is shown; what is inside is not known.',
  PK3751:
    'A disk has 1 to 128 partitions, each with a known type (a name or a GUID), a name of at most 36 UTF-16 code units, known attributes and a UUID that no other has. Sizes of partitions are multiples of 4096 bytes, that of the disk one of 512, and large enough for what is inside. The message says what is not so.',
  PK3752:
    'The image has no GPT, or one that is damaged: both headers and both lists of entries have to be in place, with right checksums and the same content, behind a protective MBR, and partitions may not overlap. A disk that was cut off or enlarged has its second table in the wrong place.',
  PK3753:
    'dm-verity needs an image of whole blocks of 4096 bytes, at least one of them and at most 16 GiB, a salt of at most 256 bytes written as hex digits, and a UUID of 8-4-4-4-12 hex digits. A file-system image has whole blocks; other files have to be padded first.',
  PK3901:
    'The reference of an artifact is registry/repository:version, such as demo-fs/port/demo-kernel:v1. Its parts follow the names that OCI registries take, so that it means the same in every backend and makes a plain path in a store.',
  PK3902:
    'A variant is chosen by --architecture (native, x86-64, aarch64), --substrate (firecracker, cloud-hypervisor, avf) and --protection-mode (standard, pvm). What is left out is native, firecracker and standard.',
  PK3903:
    'The definition has no artifact of that name, or the artifact has no variant with that selector. No other variant is taken in its place; the hint lists those that exist.',
  PK3904: 'The variant has no kernel, VMM and image that work together anywhere yet. It is refused before anything is done.',
  PK3905:
    'Two artifacts have one reference, two variants of one artifact have one selector, or two variants have one file. Each has to have its own: otherwise one would replace the other.',
  PK3906:
    'A path of a variant and the cache root are relative to the folder where portkit is run, and stay in it, also through symbolic links. The root of a store may be anywhere.',
  PK3907:
    'The variant names no step that builds it, or the artifact has no push or pull section. The message says which. Commands in "build" and "validate" strings are accepted and never run.',
  PK3908:
    'The backend is known, and its configuration was checked, but this version of portkit cannot push to it or pull from it. The backends "file-system" and "oci-registry" work.',
  PK3909:
    'A file that is to be pushed is not in the project, or one that is to be pulled is not in the store. The message shows the path. Build it, pull it or push it first.',
  PK3910:
    'The bytes of a file in a store or cache have not the digest that was written beside it when it was stored. They were not used. Push the variant again, or restore the file.',
  PK3911:
    'An artifact is one file. The step of a variant has to make a file, or a tree with a regular file at its top that has the name of the variant.',
  PK3912: 'The system refused to read or write a file of an artifact. Files that are named as written are whole.',
  PK3951:
    'Images are made from a directory, a tar or cpio (compressed with gzip, zstd or xz, or not), an OCI layout, or an ext4 image; the bytes begin like none of them. What is on a disk with partitions is read with --partition. A tar without the mark "ustar", from before 1988, is not read.',
  PK3952:
    'A tar has no sockets, and a socket of a cpio or a layer cannot be taken over. The message names it; a socket is made anew by the program that listens to it, so leave it out.',
  PK3953:
    'The directory, layout or file that was named is not there, may not be read, or is a pipe or device. "-" is standard input.',
  PK3954:
    'The value has not the form that the option takes: --owner is UID:GID in numbers, --time a whole number of seconds since 1970, --headroom a size or a share such as 10%.',
  PK3955:
    'erofs and squashfs images are made by mkfs.erofs and mksquashfs. The message names what the installed version cannot be told without a loss: mksquashfs before 4.6 takes no extended attributes, and no version names with line breaks; mkfs.erofs before 1.7 reads no tar, and so has no devices, extended attributes or several owners. Install a newer version, leave it out of the tree, or make an ext4 image, which portkit writes itself.',
  PK3956:
    'mkfs.erofs, mksquashfs, mformat or mcopy ended with an error of its own; the message ends with the last it said. Often the disk is full.',
  PK3957:
    'xz or lz4, which make these formats, ended with an error of its own; the message ends with what it said. Often memory is short.',
  PK3958:
    'Linux unpacks an initrd only with what was built into it: CONFIG_BLK_DEV_INITRD, and for its compression CONFIG_RD_GZIP, CONFIG_RD_ZSTD, CONFIG_RD_XZ or CONFIG_RD_LZ4. The configuration that the kernel has inside lacks what the message names.',
  PK3959:
    'The partition that --partition names is not in the table of the disk. "portkit image inspect DISK" lists those that are.',
  PK3960:
    'With --xattrs, the program getfattr reads the extended attributes of a directory, and it failed or said something that is not understood; often something in it may not be read.',
  PK3801:
    'A booted machine did not answer, or did not end, before the time given with --timeout was over. The console log shows how far it came; without KVM, a busy machine may simply need more time.',
  PK3802:
    'The machine ended while its agent was still waited for: the kernel panicked, or the init of the image ended. The last lines of the console are shown, all of them are in the console log.',
  PK3803:
    'The agent in the guest sent something that protocol 1 does not allow, or gave a wrong nonce back. Something else may listen in its place, or the agent of the image is another version.',
  PK3804:
    'The agent in the guest understood a request and cannot do it, for instance because a file is not there. Its own words are in the message.',
  PK3805:
    'The program that runs the machine ended with an error of its own before the kernel ran. Its words are in the message; the console log has the rest.',
  PK3806:
    'A kernel and a root file system or an initrd are needed, and not every monitor takes every kernel or architecture. The message says what is missing or does not fit.',
  PK3807: 'The file was read inside the booted guest, and its digest is not the one that was asked for with --expect.',
  PK3808:
    'The connection to the agent ended while answers were waited for: its process ended, or its guest did. The console log may say why.',
  PK3809:
    'The definition has the variant, but no file is at its path: it was neither built nor pulled. The hint has the command.',
  PK3810:
    'The edit kernel_modules takes them from /lib/modules/RELEASE (or /usr/lib/modules/RELEASE) of its input, as packages of kernels have them. Name the release when the input has several.',
  PK3811:
    'The kernel has neither a file for the module nor is it in its list of what is built in. Names are those of files without .ko; "-" and "_" are the same. If another module needs it, the package is incomplete.',
  PK3812:
    'apt could reach its sources, and their lists have no such package, or not in that version. Distributions remove old versions when newer ones come, and give a kernel another package name when its modules no longer fit. Name what there is today ("apt-cache policy NAME"), or add an archive of old packages to the sources of apt.',
  PK4001:
    'Nothing in that repository, layout or archive has the digest or tag that was asked for. Tags can be moved and deleted; a digest that an index or manifest names and that is not there means that something was copied in part.',
  PK4002:
    'A manifest, index, descriptor or layout breaks the rules of the OCI specifications, or could be read in two ways. The message says where.',
  PK4003:
    'The bytes that came have another size or digest than the manifest, index or request that named them. They were not used, and nothing of them was kept.',
  PK4004:
    'An image was given where an artifact is meant, or the reverse, or an artifact of another family. "portkit inspect REF" says what it is.',
  PK4005:
    'A reference is HOST[:PORT]/PATH[:TAG][@DIGEST]: lower-case path segments, a tag of at most 128 letters, digits, "_", "." and "-".',
  PK4006: 'Manifests, indexes and configs are read up to 4 MiB, which is what registries take.',
  PK4007:
    'What is pushed as an artifact of a family is a table in YAML or JSON. It is sent as JSON, so it cannot hold what JSON has no form for, such as dates, infinite numbers or whole numbers above 2^53.',
  PK4030:
    'The registry gives what was asked for only to known users, and no credentials were given, or they are wrong or over. "portkit login HOST" stores some; "portkit auth list" shows for which hosts there are any.',
  PK4031:
    'The registry knows who asks and refuses. The user lacks the right to do this in that repository, or the repository is not there and the registry does not say so.',
  PK4032:
    'The registry names another host (its realm) that should be given the credentials. That is also how stolen registries collect passwords, so nothing was sent. A realm of another host is trusted by its documentation or because PORTKIT_REGISTRY_REALMS lists it as REGISTRY=REALM.',
  PK4033:
    'No connection to the registry came about or lasted, or it answered that it is busy or broken, also after several tries. Behind a proxy, HTTPS_PROXY and NO_PROXY have to be set.',
  PK4034:
    'The registry sends requests on to an address without TLS, to this machine or a private network, round in circles, or to another host where that is not allowed. A request like that may be an attempt to reach what only this machine can reach.',
  PK4035:
    'The answer is not one that the distribution specification allows. Perhaps the host is no registry, or a proxy answers in its place.',
  PK4036:
    'The registry understood a request and refuses it: content of that kind or size, a deletion, a digest algorithm. The message has its reason where it gave a known one.',
  PK4037:
    'The registry says that it has no blob or manifest that a manifest names, although it was sent or was said to be there. Copying sends everything once more before it gives up; a registry that collects garbage while it is written to can do this again.',
  PK4040:
    'Logins are kept in a file that only its user may read: no symbolic link, no file of another user, mode 0600, an object of JSON. A file that is anything else may be known to others or forged, and is neither read nor written.',
  PK4041:
    'A login is for HOST or HOST:PORT, and has a user name without ":" and a password, or a token, which has printable ASCII characters and no white space.',
  PK4101:
    'An artifact needs a type (artifact_type or a family), well-formed media types, layers of different names, and a config that is JSON.',
  PK4102:
    'The name of a layer is the path where whoever pulls it writes it. It is relative, and leads neither upward nor through backslashes or control characters.',
  PK4103:
    'Postprocessors that attest and sign work on a tree that is an OCI image layout with one named manifest. A step of type oci makes one.',
  PK4104:
    'A bill of materials reads the databases of dpkg (var/lib/dpkg/status) and apk (lib/apk/db/installed). One of them is too large, or is not what these programs write. A tree without the file has no packages of that kind.',
  PK4105:
    'An external postprocessor reads one line of JSON from its standard input and writes lines of JSON to its standard output, the last of which is its result. Everything else belongs on standard error. docs/postprocessors.md has the protocol.',
  PK4106:
    'An external postprocessor is a program (argv) or a module, its options are a JSON object, and its inputs have other names than those that the protocol uses: layout, module, request, runtime. A deployment is done by "portkit build" alone, when it is named as a target.',
  PK4107:
    'A program of somebody else that an output names failed in a way that it did not explain. The message is its own; --debug shows where it comes from. Nothing that it had not yet published is left, if it keeps the contract of exporters.',
  PK4150:
    'Private keys are PKCS#8 PEM, encrypted or not, and handed in as a secret; public keys are PEM (SPKI). Kinds: Ed25519, ECDSA P-256, RSA of 2048, 3072 or 4096 bits. "openssl genpkey -algorithm ed25519" makes one.',
  PK4151:
    'A statement or bundle beside an artifact is not written as in-toto, DSSE and Sigstore say, or could be read in two ways. It counts as no attestation at all.',
  PK4152:
    'What is signed is not about this artifact, is of another kind, or was not signed with the private key that belongs to the given public key. Do not use the artifact unless you know why.',
  PK4153:
    'A layout was to be let through only if it is signed with one of the given keys, or has signed statements of the given kinds, and it does not. Nothing that comes after it is built or exported. "portkit attest inspect oci:DIR" shows what it has.',
  PK4154:
    'A builder is a URI; a step that verifies needs at least one public key; a statement that is signed has to be about a manifest of its own layout.',
  PK4080:
    'The definition says that the credentials of a registry are in a variable of the environment, and the variable is not set or empty. Set it, or say another kind of auth. Nothing was asked without credentials instead.',
  PK4081:
    'The variants of an artifact are one index, and registries cannot compare and set. The index was changed by somebody else between reading and replacing it, time and again. The files and the manifest of the variant are in the registry; push it again when the others are done.',
  PK6901:
    'A program that is needed is not installed or too old. The hint names its Debian package; "portkit doctor" checks all of them.',
  PK7001: 'Something happened that portkit does not expect. Please report it with the lines that were printed.',
  PK9001: 'The work was cancelled by a signal or by its caller. Nothing half-written remains.',
};
