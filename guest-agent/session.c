/* One conversation: frames in, answers out. */
#define _GNU_SOURCE
#include "agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void pause_ms(long ms) {
  struct timespec time = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&time, NULL);
}

static bool send_all(int out, const struct answer *answer, bool serial) {
  size_t done = 0;
  while (done < answer->length) {
    ssize_t part = write(out, answer->bytes + done, answer->length - done);
    if (part > 0) done += (size_t)part;
    else if (part < 0 && errno == EINTR) continue;
    /* Nobody is on the port: the answer is lost, as the one who asked is. */
    else return serial;
  }
  return true;
}

void serve(const struct agent *agent, int in, int out, bool serial) {
  static char buffer[FRAME_MAX + 1];
  static struct answer answer;
  size_t used = 0;
  bool skipping = false;
  for (;;) {
    ssize_t part = read(in, buffer + used, FRAME_MAX - used);
    if (part < 0 && errno == EINTR) continue;
    if (part <= 0) {
      if (!serial) return;
      /* Whoever comes next begins with a whole frame. */
      used = 0;
      skipping = false;
      pause_ms(20);
      continue;
    }
    used += (size_t)part;
    size_t start = 0;
    for (;;) {
      char *end = memchr(buffer + start, '\n', used - start);
      if (end == NULL) break;
      size_t length = (size_t)(end - buffer) - start;
      bool asks = !skipping && length > 0;
      skipping = false;
      if (asks) {
        answer_frame(agent, buffer + start, length, &answer);
        if (!send_all(out, &answer, serial)) return;
        if (answer.then != 0) kill(agent->supervisor, answer.then);
      }
      start += length + 1;
    }
    memmove(buffer, buffer + start, used - start);
    used -= start;
    if (used < FRAME_MAX) continue;
    used = 0;
    if (skipping) continue;
    skipping = true;
    answer_error(&answer, -1, "bad-frame", "a frame is longer than 65536 bytes");
    if (!send_all(out, &answer, serial)) return;
  }
}

/* The device of a port whose name in sysfs is this one. */
static bool find_serial(const char *name, char *device, size_t room) {
  DIR *ports = opendir("/sys/class/virtio-ports");
  if (ports == NULL) return false;
  bool found = false;
  for (struct dirent *port; !found && (port = readdir(ports)) != NULL;) {
    char path[512];
    char text[128];
    snprintf(path, sizeof path, "/sys/class/virtio-ports/%s/name", port->d_name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) continue;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    if (length <= 0) continue;
    text[length] = '\0';
    text[strcspn(text, "\n")] = '\0';
    found = strcmp(text, name) == 0;
    snprintf(device, room, "/dev/%s", port->d_name);
  }
  closedir(ports);
  return found;
}

int open_serial(const char *name) {
  for (;;) {
    char device[300];
    if (find_serial(name, device, sizeof device)) {
      int port = open(device, O_RDWR | O_CLOEXEC);
      if (port >= 0) return port;
    }
    pause_ms(20);
  }
}
