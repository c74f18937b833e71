/* Kernel modules, when the image has them: named by what virtual machines need, ordered by modules.dep. */
#define _GNU_SOURCE
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MARKER "/etc/port-kernel-modules-release"
/* MODULE_INIT_COMPRESSED_FILE of linux/module.h: the kernel unpacks it. */
#define COMPRESSED 4

static const char *const wanted[] = {"virtio_pci", "virtio_mmio", "virtio_console",                 "virtio_blk", "ext4",
                                     "overlay",    "vsock",       "vmw_vsock_virtio_transport", "virtio_net"};

static char *read_text(const char *path) {
  FILE *file = fopen(path, "re");
  if (file == NULL) return NULL;
  char *text = NULL;
  size_t room = 0;
  ssize_t length = getdelim(&text, &room, '\0', file);
  fclose(file);
  if (length >= 0) return text;
  free(text);
  return NULL;
}

static void load(const char *folder, const char *path) {
  char file[512];
  snprintf(file, sizeof file, "%s/%s", folder, path);
  int fd = open(file, O_RDONLY | O_CLOEXEC);
  size_t length = strlen(path);
  bool plain = length > 3 && strcmp(path + length - 3, ".ko") == 0;
  if (fd < 0 || (syscall(SYS_finit_module, fd, "", plain ? 0 : COMPRESSED) != 0 && errno != EEXIST))
    say("cannot load %s: %s", path, strerror(errno));
  if (fd >= 0) close(fd);
}

/* Whether a path of modules.dep is the module of that name; "-" and "_" are the same in names. */
static bool is_module(const char *path, size_t length, const char *name) {
  const char *base = path;
  for (size_t i = 0; i < length; i++)
    if (path[i] == '/') base = path + i + 1;
  size_t left = length - (size_t)(base - path);
  size_t size = strlen(name);
  if (left < size + 3 || strncmp(base + size, ".ko", 3) != 0) return false;
  for (size_t i = 0; i < size; i++)
    if (base[i] != name[i] && !(base[i] == '-' && name[i] == '_')) return false;
  return true;
}

/* Loads one line of modules.dep, `module: needed needed …`: the last comes first. */
static void load_line(const char *folder, char *line) {
  char *colon = strchr(line, ':');
  if (colon == NULL) return;
  *colon = '\0';
  for (char *space; (space = strrchr(colon + 1, ' ')) != NULL; *space = '\0')
    if (space[1] != '\0') load(folder, space + 1);
  load(folder, line);
}

void load_modules(void) {
  char *release = read_text(MARKER);
  if (release == NULL) return;
  release[strcspn(release, " \t\r\n")] = '\0';
  char folder[256];
  char list[300];
  snprintf(folder, sizeof folder, "/lib/modules/%s", release);
  snprintf(list, sizeof list, "%s/modules.dep", folder);
  free(release);
  char *text = read_text(list);
  if (text == NULL) return say("there is no %s", list);
  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
    for (const char *at = text; *at != '\0';) {
      size_t length = strcspn(at, "\n");
      if (is_module(at, strcspn(at, ":\n"), wanted[i])) {
        char *line = strndup(at, length);
        if (line != NULL) load_line(folder, line);
        free(line);
        break;
      }
      at += length + (at[length] == '\n');
    }
  }
  free(text);
}
