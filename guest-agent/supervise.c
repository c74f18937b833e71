/* Listens, and gives every connection a process of its own: what goes wrong in one is nothing to the others. */
#define _GNU_SOURCE
#include "agent.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* It needs what sys/socket.h declares. */
#include <linux/vm_sockets.h>

#define SESSIONS_MAX 16

int64_t now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_BOOTTIME, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

void say(const char *format, ...) {
  char line[512];
  va_list values;
  va_start(values, format);
  vsnprintf(line, sizeof line, format, values);
  va_end(values);
  dprintf(2, "guest-agent: %s\n", line);
  /* On a serial console, what the kernel says next would cut into it. */
  tcdrain(2);
}

static int listen_on(const struct sockaddr *address, socklen_t size) {
  int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (bind(fd, address, size) == 0 && listen(fd, SESSIONS_MAX) == 0) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

static int listen_socket(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(address.sun_path, path);
  /* A socket that an agent before left behind; anything else in that place stays and makes bind fail. */
  struct stat info;
  if (lstat(path, &info) == 0 && S_ISSOCK(info.st_mode)) unlink(path);
  mode_t mask = umask(0177);
  int fd = listen_on((struct sockaddr *)&address, sizeof address);
  umask(mask);
  return fd;
}

static int listen_vsock(int64_t port) {
  struct sockaddr_vm address = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = (unsigned)port};
  return listen_on((struct sockaddr *)&address, sizeof address);
}

static pid_t start_session(const struct agent *agent, int fd, const char *serial) {
  pid_t child = fork();
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  signal(SIGPIPE, SIG_IGN);
  if (serial != NULL) fd = open_serial(serial);
  serve(agent, fd, fd, serial != NULL);
  _exit(0);
}

static void accept_session(const struct agent *agent, int listener, pid_t sessions[SESSIONS_MAX]) {
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (fd < 0) return;
  for (int i = 0; i < SESSIONS_MAX; i++) {
    if (sessions[i] != 0) continue;
    pid_t child = start_session(agent, fd, NULL);
    sessions[i] = child > 0 ? child : 0;
    break;
  }
  close(fd);
}

/* Reaps everything that ended: as pid 1 that is more than the sessions. */
static void reap(pid_t sessions[SESSIONS_MAX], pid_t *serial) {
  int status;
  pid_t child;
  while ((child = waitpid(-1, &status, WNOHANG)) > 0) {
    bool ours = child == *serial;
    if (ours) *serial = 0;
    for (int i = 0; i < SESSIONS_MAX; i++) {
      if (sessions[i] != child) continue;
      sessions[i] = 0;
      ours = true;
    }
    if (ours && WIFSIGNALED(status)) say("a session ended by signal %d", WTERMSIG(status));
  }
}

int supervise(struct agent *agent, const struct places *places) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  struct pollfd fds[3] = {{.fd = signalfd(-1, &signals, SFD_CLOEXEC), .events = POLLIN}, {.fd = -1, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
  if (fds[0].fd < 0) return 0;
  if (places->socket != NULL && (fds[1].fd = listen_socket(places->socket)) < 0) {
    say("cannot listen on %s: %s", places->socket, strerror(errno));
    if (!agent->machine) return 0;
  }
  /* Not every machine has a vsock device; the others are still listened to. */
  if (places->vsock_port >= 0 && (fds[2].fd = listen_vsock(places->vsock_port)) < 0)
    say("no vsock: %s", strerror(errno));
  agent->supervisor = getpid();
  agent->ready_ms = now_ms();
  say("ready");
  pid_t sessions[SESSIONS_MAX] = {0};
  pid_t serial = 0;
  for (;;) {
    if (places->serial != NULL && serial == 0) {
      serial = start_session(agent, -1, places->serial);
      if (serial < 0) serial = 0;
    }
    if (poll(fds, 3, -1) < 0) continue;
    for (int i = 1; i < 3; i++)
      if (fds[i].revents != 0) accept_session(agent, fds[i].fd, sessions);
    if (fds[0].revents == 0) continue;
    struct signalfd_siginfo info;
    if (read(fds[0].fd, &info, sizeof info) != sizeof info) continue;
    reap(sessions, &serial);
    if (info.ssi_signo == SIGCHLD) continue;
    for (int i = 0; i < SESSIONS_MAX; i++)
      if (sessions[i] != 0) kill(sessions[i], SIGKILL);
    if (serial != 0) kill(serial, SIGKILL);
    if (places->socket != NULL) unlink(places->socket);
    return (int)info.ssi_signo;
  }
}
