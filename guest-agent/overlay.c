/* The root file system from the initrd: a disk that is only read, and over it a layer that takes the writes. */
#define _GNU_SOURCE
#include "agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#define TRIES 5

/* Frees the memory of the initrd: everything on its file system, and nothing mounted in it. */
static void empty(int folder, dev_t device) {
  DIR *entries = fdopendir(folder);
  if (entries == NULL) {
    close(folder);
    return;
  }
  for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
    struct stat info;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (fstatat(dirfd(entries), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 || info.st_dev != device) continue;
    if (S_ISDIR(info.st_mode)) {
      int inner = openat(dirfd(entries), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      if (inner >= 0) empty(inner, device);
    }
    unlinkat(dirfd(entries), entry->d_name, S_ISDIR(info.st_mode) ? AT_REMOVEDIR : 0);
  }
  closedir(entries);
}

static bool mount_root(const char *device) {
  if (mount("/dev/vda", "/lower", "ext4", MS_RDONLY, NULL) != 0 && errno != EBUSY) return false;
  bool memory = strcmp(device, "tmpfs") == 0;
  if (mount(device, "/overlay", memory ? "tmpfs" : "ext4", 0, NULL) != 0 && errno != EBUSY) return false;
  mkdir("/overlay/upper", 0755);
  mkdir("/overlay/work", 0755);
  return mount("overlay", "/newroot", "overlay", 0, "lowerdir=/lower,upperdir=/overlay/upper,workdir=/overlay/work") == 0;
}

/* The steps of switch_root(8). */
static void switch_root(char *const argv[]) {
  static const char *const moved[] = {"/dev", "/proc", "/sys"};
  struct statfs system;
  struct stat root;
  for (size_t i = 0; i < 3; i++) {
    char place[32];
    snprintf(place, sizeof place, "/newroot%s", moved[i]);
    mkdir(place, 0755);
    if (mount(moved[i], place, NULL, MS_MOVE, NULL) != 0) umount2(moved[i], MNT_DETACH);
  }
  umount2("/run", MNT_DETACH);
  umount2("/tmp", MNT_DETACH);
  bool memory = statfs("/", &system) == 0 && (system.f_type == RAMFS_MAGIC || system.f_type == TMPFS_MAGIC);
  int old = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool known = old >= 0 && fstat(old, &root) == 0;
  if (chdir("/newroot") != 0 || mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0 || chdir("/") != 0) return;
  if (known && memory) empty(old, root.st_dev);
  execv("/init", argv);
}

void enter_overlay(const char *command_line, char *const argv[]) {
  char value[128];
  if (!parameter(command_line, "port.rootfs_overlay", value, sizeof value) || strcmp(value, "1") != 0) return;
  /* Behind the switch the parameter is still there, and the initrd is not. */
  struct statfs system;
  if (statfs("/", &system) == 0 && system.f_type == OVERLAYFS_SUPER_MAGIC) return;
  if (!parameter(command_line, "port.rootfs_overlay_device", value, sizeof value)) strcpy(value, "/dev/vdb");
  mkdir("/lower", 0755);
  mkdir("/overlay", 0755);
  mkdir("/newroot", 0755);
  for (int i = 0; i < TRIES; i++) {
    if (i > 0) sleep(1);
    if (!mount_root(value)) {
      say("the root cannot be mounted yet: %s", strerror(errno));
      continue;
    }
    switch_root(argv);
    say("cannot start /init of the root: %s", strerror(errno));
    break;
  }
  say("failed to mount rootfs from initrd");
  /* A serial line is slow, and a panic overwrites what still waits in it. */
  sleep(1);
  /* Pid 1 that ends is a panic, which ends the machine with panic=-1: nobody has to wait for a shell. */
  _exit(1);
}
