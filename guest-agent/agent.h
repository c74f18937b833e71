/* A small agent for guests: one request per line in, one answer per line out (README.md has the protocol). */
#ifndef AGENT_H
#define AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROTOCOL 1
/* The virtio-serial port that an init listens on. */
#define SERIAL_NAME "org.portkit.agent.0"
#define FRAME_MAX 65536
#define ANSWER_MAX (192 * 1024)
#define FIELDS_MAX 12
#define ITEMS_MAX 128
/* What one read, write or stream of a command carries; base64 of it fits into a frame. */
#define CHUNK_MAX 32768

/* json.c: requests. Strings are decoded in the buffer of the frame and end with a NUL. */
enum kind { NUMBER, STRING, LIST };
struct field {
  const char *name;
  enum kind kind;
  int64_t number;
  char *text;
  char **items;
  size_t count;
};
struct frame {
  struct field fields[FIELDS_MAX];
  size_t count;
  /* One more than fits, so that a list can end with NULL as execve wants it. */
  char *items[ITEMS_MAX + FIELDS_MAX];
  size_t items_used;
};
/* NULL when the frame is understood, else what is wrong with it. `bytes` has room for one byte more. */
const char *read_frame(struct frame *frame, char *bytes, size_t length);
const struct field *field_of(const struct frame *frame, const char *name, enum kind kind);

/* answer.c: answers. Writing past the end is remembered, never done. */
struct answer {
  char bytes[ANSWER_MAX];
  size_t length;
  bool overflow;
  /* The signal for the supervisor once the answer is sent, or 0. */
  int then;
};
void answer_start(struct answer *answer, int64_t id);
void answer_number(struct answer *answer, const char *name, int64_t value);
void answer_text(struct answer *answer, const char *name, const char *value);
void answer_bytes(struct answer *answer, const char *name, const uint8_t *bytes, size_t length);
void answer_end(struct answer *answer);
void answer_error(struct answer *answer, int64_t id, const char *code, const char *message);

/* base64.c: the decoded length, or -1; `out` may be `text` itself. */
ssize_t base64_decode(const char *text, uint8_t *out, size_t room);
size_t base64_encode(const uint8_t *bytes, size_t length, char *out);

/* sha256.c */
struct sha256 {
  uint32_t state[8];
  uint64_t length;
  uint8_t block[64];
};
void sha256_start(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const uint8_t *bytes, size_t length);
void sha256_hex(struct sha256 *hash, char hex[65]);

/* What every request may need to know. */
struct agent {
  /* Paths of requests are below it. */
  const char *root;
  /* A shutdown ends the machine, not only the agent. */
  bool machine;
  pid_t supervisor;
  /* Milliseconds since boot: the first userspace program, and readiness for requests. */
  int64_t init_ms;
  int64_t ready_ms;
};

/* A failed request: the code of the error and its words. */
struct failure {
  const char *code;
  char message[256];
};
/* Fills the failure and answers false, to be returned at once. */
bool fail(struct failure *failure, const char *code, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool fail_errno(struct failure *failure, const char *what);

/* files.c and exec.c: requests; true when the answer is filled. */
bool do_stat(const struct agent *agent, const struct frame *frame, struct answer *answer, struct failure *failure);
bool do_read(const struct agent *agent, const struct frame *frame, struct answer *answer, struct failure *failure);
bool do_sha256(const struct agent *agent, const struct frame *frame, struct answer *answer, struct failure *failure);
bool do_write(const struct agent *agent, const struct frame *frame, struct answer *answer, struct failure *failure);
bool do_exec(const struct agent *agent, const struct frame *frame, struct answer *answer, struct failure *failure);

/* request.c: answers one frame. */
void answer_frame(const struct agent *agent, char *bytes, size_t length, struct answer *answer);

/* session.c: answers frames until the other side leaves; a serial port has nobody on it at times, which is no end. */
void serve(const struct agent *agent, int in, int out, bool serial);
/* Opens the virtio-serial port of that name, waiting for it to appear; never returns otherwise. */
int open_serial(const char *name);

/* supervise.c: listens, gives every connection its own process, and reaps; answers the signal that ended it. */
struct places {
  const char *socket;
  const char *serial;
  /* -1 for none. */
  int64_t vsock_port;
};
int supervise(struct agent *agent, const struct places *places);

/* init.c: what pid 1 does before and after. */
void become_init(struct places *places, char *const argv[]);
void end_machine(int signal) __attribute__((noreturn));
int64_t now_ms(void);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* modules.c: loads kernel modules of the initrd by name, with what they depend on. */
void load_modules(void);

/* overlay.c: replaces the root by a read-only disk with a writable layer, and runs its /init; returns when not asked for. */
void enter_overlay(const char *command_line, char *const argv[]);
/* The value of `name=` in the kernel's command line, copied; false when it is not there. */
bool parameter(const char *command_line, const char *name, char *value, size_t room);

#endif
