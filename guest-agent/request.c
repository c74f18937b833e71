/* Finds what a frame asks for, checks that nothing else is in it, and answers. */
#define _GNU_SOURCE
#include "agent.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#define NONCE_MAX 128

typedef bool (*handler)(const struct agent *, const struct frame *, struct answer *, struct failure *);

static bool do_ping(const struct agent *agent, const struct frame *frame, struct answer *answer, struct failure *failure) {
  (void)agent;
  const struct field *nonce = field_of(frame, "nonce", STRING);
  size_t length = nonce == NULL ? 0 : strlen(nonce->text);
  if (length == 0 || length > NONCE_MAX) return fail(failure, "bad-request", "nonce must be text of 1 to %d bytes", NONCE_MAX);
  answer_text(answer, "nonce", nonce->text);
  return true;
}

static bool do_hello(const struct agent *agent, const struct frame *frame, struct answer *answer, struct failure *failure) {
  if (!do_ping(agent, frame, answer, failure)) return false;
  answer_number(answer, "protocol", PROTOCOL);
  answer_number(answer, "init_ms", agent->init_ms);
  answer_number(answer, "ready_ms", agent->ready_ms);
  return true;
}

static bool do_info(const struct agent *agent, const struct frame *frame, struct answer *answer, struct failure *failure) {
  (void)frame;
  struct utsname name;
  struct sysinfo system;
  if (uname(&name) != 0 || sysinfo(&system) != 0) return fail_errno(failure, "the system says nothing about itself");
  answer_text(answer, "machine", name.machine);
  answer_text(answer, "kernel", name.release);
  answer_number(answer, "cpus", sysconf(_SC_NPROCESSORS_ONLN));
  answer_number(answer, "memory", (int64_t)system.totalram * system.mem_unit);
  answer_number(answer, "uptime_ms", now_ms());
  answer_number(answer, "init", agent->machine);
  return true;
}

static bool do_shutdown(const struct agent *agent, const struct frame *frame, struct answer *answer, struct failure *failure) {
  (void)agent;
  const struct field *how = field_of(frame, "how", STRING);
  bool reboot = how != NULL && strcmp(how->text, "reboot") == 0;
  if (!reboot && (how == NULL || strcmp(how->text, "power-off") != 0))
    return fail(failure, "bad-request", "how must be power-off or reboot");
  answer->then = reboot ? SIGINT : SIGTERM;
  answer_text(answer, "how", how->text);
  return true;
}

static const struct request {
  const char *name;
  /* Every key it may have besides id and op: what kind its value is, and its name. */
  struct key {
    enum kind kind;
    const char *name;
  } keys[6];
  handler handle;
} requests[] = {
    {"hello", {{STRING, "nonce"}}, do_hello},
    {"ping", {{STRING, "nonce"}}, do_ping},
    {"info", {{0}}, do_info},
    {"stat", {{STRING, "path"}}, do_stat},
    {"read", {{STRING, "path"}, {NUMBER, "offset"}, {NUMBER, "length"}}, do_read},
    {"sha256", {{STRING, "path"}}, do_sha256},
    {"write", {{STRING, "path"}, {STRING, "data"}, {NUMBER, "offset"}, {NUMBER, "mode"}}, do_write},
    {"exec", {{LIST, "argv"}, {LIST, "env"}, {STRING, "cwd"}, {NUMBER, "timeout_ms"}, {NUMBER, "max_output"}}, do_exec},
    {"shutdown", {{STRING, "how"}}, do_shutdown},
};

static bool knows(const struct request *request, const struct field *field) {
  if (strcmp(field->name, "id") == 0 || strcmp(field->name, "op") == 0) return true;
  for (const struct key *key = request->keys; key->name != NULL; key++)
    if (strcmp(key->name, field->name) == 0) return key->kind == field->kind;
  return false;
}

static bool knows_all(const struct request *request, const struct frame *frame) {
  for (size_t i = 0; i < frame->count; i++)
    if (!knows(request, &frame->fields[i])) return false;
  return true;
}

void answer_frame(const struct agent *agent, char *bytes, size_t length, struct answer *answer) {
  static struct frame frame;
  const char *problem = read_frame(&frame, bytes, length);
  if (problem != NULL) return answer_error(answer, -1, "bad-frame", problem);
  const struct field *id = field_of(&frame, "id", NUMBER);
  const struct field *op = field_of(&frame, "op", STRING);
  if (id == NULL || op == NULL) return answer_error(answer, -1, "bad-frame", "a request has a number as id and a text as op");
  for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
    if (strcmp(requests[i].name, op->text) != 0) continue;
    if (!knows_all(&requests[i], &frame))
      return answer_error(answer, id->number, "bad-request", "a key is unknown to this op or has a value of another kind");
    struct failure failure = {0};
    answer_start(answer, id->number);
    if (!requests[i].handle(agent, &frame, answer, &failure)) return answer_error(answer, id->number, failure.code, failure.message);
    if (answer->overflow) return answer_error(answer, id->number, "too-large", "the answer is too large");
    return answer_end(answer);
  }
  answer_error(answer, id->number, "bad-request", "the op is not known");
}
