/* Being pid 1: the file systems that programs expect, and the end of the machine. */
#define _GNU_SOURCE
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void mount_at(const char *type, const char *place, unsigned long flags, const char *data) {
  mkdir(place, 0755);
  /* What the initrd moved here is mounted already. */
  if (mount(type, place, type, flags, data) != 0 && errno != EBUSY) say("cannot mount %s: %s", place, strerror(errno));
}

static void mount_all(void) {
  mount_at("devtmpfs", "/dev", MS_NOSUID, "mode=0755");
  mount_at("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
  mount_at("sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
  mount_at("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "mode=0620,ptmxmode=0666");
  mount_at("tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=0755");
  mount_at("tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777");
}

static void open_console(void) {
  int console = open("/dev/console", O_RDWR | O_NOCTTY);
  if (console < 0) console = open("/dev/null", O_RDWR);
  if (console < 0) return;
  for (int fd = 0; fd < 3; fd++)
    if (console != fd) dup2(console, fd);
  if (console > 2) close(console);
}

bool parameter(const char *command_line, const char *name, char *value, size_t room) {
  size_t length = strlen(name);
  bool found = false;
  for (const char *at = command_line; *at != '\0';) {
    size_t word = strcspn(at, " \n");
    /* The last one counts, as in the kernel. */
    if (word > length && strncmp(at, name, length) == 0 && at[length] == '=' && word - length - 1 < room) {
      memcpy(value, at + length + 1, word - length - 1);
      value[word - length - 1] = '\0';
      found = true;
    }
    at += word;
    at += strspn(at, " \n");
  }
  return found;
}

void become_init(struct places *places, char *const argv[]) {
  static char line[4096];
  char value[64];
  mount_all();
  open_console();
  int file = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
  ssize_t length = file < 0 ? 0 : read(file, line, sizeof line - 1);
  if (file >= 0) close(file);
  line[length > 0 ? length : 0] = '\0';
  load_modules();
  enter_overlay(line, argv);
  setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
  mkdir("/run/port", 0755);
  places->socket = "/run/port/guest-agent.sock";
  places->serial = SERIAL_NAME;
  places->vsock_port = 7000;
  if (!parameter(line, "port.guest_control_port", value, sizeof value)) return;
  char *end;
  long port = strtol(value, &end, 10);
  if (*value >= '0' && *value <= '9' && *end == '\0' && port > 0 && port < 0xffffffffL) places->vsock_port = port;
  else say("port.guest_control_port is no port; 7000 is used");
}

void end_machine(int signal) {
  struct timespec pause_time = {0, 200000000};
  kill(-1, SIGTERM);
  nanosleep(&pause_time, NULL);
  kill(-1, SIGKILL);
  sync();
  mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL);
  /* The disk of a writable layer has no path any more: SysRq u makes every file system read-only, and so clean. */
  int trigger = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
  if (trigger >= 0 && write(trigger, "u", 1) == 1) nanosleep(&pause_time, NULL);
  reboot(signal == SIGINT ? RB_AUTOBOOT : RB_POWER_OFF);
  /* Only a kernel without power management comes here. */
  reboot(RB_HALT_SYSTEM);
  for (;;) pause();
}
