/* Answers: one JSON object on one line. */
#include "agent.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void put(struct answer *answer, const char *bytes, size_t length) {
  /* Two bytes stay free for the end of the object and of the line. */
  if (answer->overflow || length > ANSWER_MAX - 2 - answer->length) {
    answer->overflow = true;
    return;
  }
  memcpy(answer->bytes + answer->length, bytes, length);
  answer->length += length;
}

static void put_text(struct answer *answer, const char *text) {
  put(answer, text, strlen(text));
}

static void put_string(struct answer *answer, const char *text) {
  put_text(answer, "\"");
  for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
    char escaped[8];
    if (*at == '"' || *at == '\\') {
      snprintf(escaped, sizeof escaped, "\\%c", *at);
      put_text(answer, escaped);
    } else if (*at < 0x20 || *at == 0x7f) {
      snprintf(escaped, sizeof escaped, "\\u%04x", *at);
      put_text(answer, escaped);
    } else {
      put(answer, (const char *)at, 1);
    }
  }
  put_text(answer, "\"");
}

static void put_name(struct answer *answer, const char *name) {
  put_text(answer, ",\"");
  put_text(answer, name);
  put_text(answer, "\":");
}

static void put_number(struct answer *answer, int64_t value) {
  char text[24];
  snprintf(text, sizeof text, "%" PRId64, value);
  put_text(answer, text);
}

void answer_start(struct answer *answer, int64_t id) {
  answer->length = 0;
  answer->overflow = false;
  answer->then = 0;
  put_text(answer, "{\"id\":");
  if (id < 0) put_text(answer, "null");
  else put_number(answer, id);
}

void answer_number(struct answer *answer, const char *name, int64_t value) {
  put_name(answer, name);
  put_number(answer, value);
}

void answer_text(struct answer *answer, const char *name, const char *value) {
  put_name(answer, name);
  put_string(answer, value);
}

void answer_bytes(struct answer *answer, const char *name, const uint8_t *bytes, size_t length) {
  put_name(answer, name);
  put_text(answer, "\"");
  if (!answer->overflow && (length + 2) / 3 * 4 + 4 < ANSWER_MAX - answer->length)
    answer->length += base64_encode(bytes, length, answer->bytes + answer->length);
  else
    answer->overflow = true;
  put_text(answer, "\"");
}

void answer_end(struct answer *answer) {
  answer->bytes[answer->length++] = '}';
  answer->bytes[answer->length++] = '\n';
}

void answer_error(struct answer *answer, int64_t id, const char *code, const char *message) {
  answer_start(answer, id);
  answer_text(answer, "error", code);
  answer_text(answer, "message", message);
  answer_end(answer);
}
