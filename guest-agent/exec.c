/* Runs a command with limits of time and output. */
#define _GNU_SOURCE
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIMEOUT_DEFAULT 10000
#define TIMEOUT_MAX 600000
/* How often an ended command is looked for while something else holds its output open. */
#define TICK 20

struct stream {
  int fd;
  uint8_t bytes[CHUNK_MAX];
  size_t length;
};

struct run {
  pid_t child;
  struct stream out;
  struct stream err;
  size_t limit;
  bool truncated;
  bool timed_out;
  int status;
};

static void start(const struct agent *agent, char **argv, char **env, const char *folder, const int pipes[4]) {
  setsid();
  /* A session that is ended takes its command along. */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if ((nothing >= 0 ? dup2(nothing, 0) : close(0)) < 0 && errno != EBADF) _exit(126);
  if (dup2(pipes[1], 1) < 0 || dup2(pipes[3], 2) < 0) _exit(126);
  if (strcmp(agent->root, "/") != 0 && (chroot(agent->root) != 0 || chdir("/") != 0)) _exit(126);
  if (chdir(folder) != 0) _exit(126);
  execvpe(argv[0], argv, env);
  _exit(errno == ENOENT ? 127 : 126);
}

/* Takes what is there; false at the end of the stream. */
static bool drain(struct run *run, struct stream *stream) {
  for (;;) {
    uint8_t more[4096];
    ssize_t part = read(stream->fd, more, sizeof more);
    if (part < 0 && errno == EINTR) continue;
    if (part < 0 && errno == EAGAIN) return true;
    if (part <= 0) return false;
    size_t room = run->limit - stream->length;
    size_t kept = (size_t)part < room ? (size_t)part : room;
    memcpy(stream->bytes + stream->length, more, kept);
    stream->length += kept;
    if (kept < (size_t)part) {
      run->truncated = true;
      return true;
    }
  }
}

static void finish(struct stream *stream) {
  if (stream->fd >= 0) close(stream->fd);
  stream->fd = -1;
}

static bool has_ended(pid_t child) {
  siginfo_t info = {0};
  return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == child;
}

static void follow(struct run *run, int64_t timeout) {
  int64_t deadline = now_ms() + timeout;
  bool ended = false;
  for (;;) {
    struct pollfd fds[2] = {{.fd = run->out.fd, .events = POLLIN}, {.fd = run->err.fd, .events = POLLIN}};
    poll(fds, 2, ended ? 0 : TICK);
    if (fds[0].revents != 0 && !drain(run, &run->out)) finish(&run->out);
    if (fds[1].revents != 0 && !drain(run, &run->err)) finish(&run->err);
    /* This was the last look at the output of a command that had ended before it. */
    if (ended) return;
    ended = has_ended(run->child);
    run->timed_out = !ended && now_ms() >= deadline;
    if (!ended && !run->timed_out && !run->truncated) continue;
    /* What the command left in its session ends with it; the unreaped child keeps the number of that session its own. */
    kill(-run->child, SIGKILL);
    kill(run->child, SIGKILL);
    waitpid(run->child, &run->status, 0);
    ended = true;
  }
}

bool do_exec(const struct agent *agent, const struct frame *frame, struct answer *answer, struct failure *failure) {
  static char *plain[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};
  const struct field *argv = field_of(frame, "argv", LIST);
  const struct field *env = field_of(frame, "env", LIST);
  const struct field *folder = field_of(frame, "cwd", STRING);
  const struct field *timeout = field_of(frame, "timeout_ms", NUMBER);
  const struct field *limit = field_of(frame, "max_output", NUMBER);
  if (argv == NULL || argv->count == 0 || argv->items[0][0] == '\0') return fail(failure, "bad-request", "argv must name a program");
  if (timeout != NULL && timeout->number > TIMEOUT_MAX) return fail(failure, "too-large", "timeout_ms is at most %d", TIMEOUT_MAX);
  if (limit != NULL && limit->number > CHUNK_MAX) return fail(failure, "too-large", "max_output is at most %d", CHUNK_MAX);
  static struct run run;
  memset(&run, 0, sizeof run);
  run.limit = limit == NULL ? CHUNK_MAX : (size_t)limit->number;
  int pipes[4];
  if (pipe2(pipes, O_CLOEXEC) != 0) return fail_errno(failure, "no pipe can be made");
  if (pipe2(pipes + 2, O_CLOEXEC) != 0) {
    close(pipes[0]);
    close(pipes[1]);
    return fail_errno(failure, "no pipe can be made");
  }
  run.child = fork();
  if (run.child == 0) start(agent, argv->items, env == NULL ? plain : env->items, folder == NULL ? "/" : folder->text, pipes);
  close(pipes[1]);
  close(pipes[3]);
  run.out.fd = pipes[0];
  run.err.fd = pipes[2];
  if (run.child > 0) {
    fcntl(run.out.fd, F_SETFL, O_NONBLOCK);
    fcntl(run.err.fd, F_SETFL, O_NONBLOCK);
    follow(&run, timeout == NULL ? TIMEOUT_DEFAULT : timeout->number);
  }
  finish(&run.out);
  finish(&run.err);
  if (run.child < 0) return fail_errno(failure, "the command cannot be started");
  answer_number(answer, "status", WIFEXITED(run.status) ? WEXITSTATUS(run.status) : 0);
  answer_number(answer, "signal", WIFSIGNALED(run.status) ? WTERMSIG(run.status) : 0);
  answer_number(answer, "timed_out", run.timed_out);
  answer_number(answer, "truncated", run.truncated);
  answer_bytes(answer, "stdout", run.out.bytes, run.out.length);
  answer_bytes(answer, "stderr", run.err.bytes, run.err.length);
  return true;
}
