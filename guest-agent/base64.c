/* Base64 of RFC 4648 with padding; anything not canonical is refused. */
#include "agent.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int digit_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

ssize_t base64_decode(const char *text, uint8_t *out, size_t room) {
  size_t length = strlen(text);
  if (length % 4 != 0) return -1;
  size_t padding = length > 0 && text[length - 1] == '=' ? (text[length - 2] == '=' ? 2 : 1) : 0;
  size_t bytes = length / 4 * 3 - padding;
  if (bytes > room) return -1;
  uint32_t bits = 0;
  size_t done = 0;
  for (size_t i = 0; i < length; i++) {
    int digit = i >= length - padding ? 0 : digit_of(text[i]);
    if (digit < 0) return -1;
    bits = bits << 6 | (uint32_t)digit;
    if (i % 4 != 3) continue;
    /* The bits that padding cuts off must be zero: the same bytes have one spelling. */
    if (i + 1 == length && (bits & ((1u << padding * 8) - 1)) != 0) return -1;
    for (int shift = 16; shift >= 0 && done < bytes; shift -= 8) out[done++] = (uint8_t)(bits >> shift);
    bits = 0;
  }
  return (ssize_t)bytes;
}

size_t base64_encode(const uint8_t *bytes, size_t length, char *out) {
  char *at = out;
  for (size_t i = 0; i < length; i += 3) {
    size_t left = length - i;
    uint32_t bits = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
    *at++ = digits[bits >> 18];
    *at++ = digits[bits >> 12 & 63];
    *at++ = left > 1 ? digits[bits >> 6 & 63] : '=';
    *at++ = left > 2 ? digits[bits & 63] : '=';
  }
  return (size_t)(at - out);
}
