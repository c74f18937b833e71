/* The command line, and the two ways to run: as the init of a machine, or as a program in one. */
#define _GNU_SOURCE
#include "agent.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INIT_MS "PORT_INIT_MS"

static int usage(void) {
  say("usage: port-guest-agent [--socket PATH] [--vsock-port N] [--serial NAME] [--root DIR] [--machine] | --stdio");
  return 2;
}

/* The time of the first init, which survives the switch from the initrd to the root. */
static int64_t init_time(void) {
  char text[24];
  const char *known = getenv(INIT_MS);
  if (known != NULL) return strtoll(known, NULL, 10);
  int64_t now = now_ms();
  snprintf(text, sizeof text, "%" PRId64, now);
  setenv(INIT_MS, text, 1);
  return now;
}

int main(int argc, char **argv) {
  static struct agent agent = {.root = "/"};
  struct places places = {.vsock_port = -1};
  if (getpid() == 1) {
    agent.init_ms = init_time();
    agent.machine = true;
    become_init(&places, argv);
    end_machine(supervise(&agent, &places));
  }
  bool stdio = false;
  for (int i = 1; i < argc; i++) {
    char *end;
    if (strcmp(argv[i], "--stdio") == 0) stdio = true;
    else if (strcmp(argv[i], "--machine") == 0) agent.machine = true;
    else if (i + 1 == argc) return usage();
    else if (strcmp(argv[i], "--socket") == 0) places.socket = argv[++i];
    else if (strcmp(argv[i], "--serial") == 0) places.serial = argv[++i];
    else if (strcmp(argv[i], "--root") == 0) agent.root = argv[++i];
    else if (strcmp(argv[i], "--vsock-port") == 0) {
      places.vsock_port = strtoll(argv[++i], &end, 10);
      if (*argv[i] < '0' || *argv[i] > '9' || *end != '\0' || places.vsock_port > 0xfffffffe) return usage();
    } else return usage();
  }
  if (stdio) {
    signal(SIGPIPE, SIG_IGN);
    agent.supervisor = getpid();
    serve(&agent, 0, 1, false);
    return 0;
  }
  if (places.socket == NULL && places.serial == NULL && places.vsock_port < 0) return usage();
  int signal = supervise(&agent, &places);
  if (signal != 0 && agent.machine) end_machine(signal);
  return signal == 0;
}
